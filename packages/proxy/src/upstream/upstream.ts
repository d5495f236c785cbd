import { connect, type NetConnectOpts } from "node:net";
import { ReadMemory } from "./read-memory.ts";
import { UpstreamConnection } from "./upstream-connection.ts";

export interface UpstreamOptions {
  readonly address: NetConnectOpts;
  /** Most connections kept aside for reuse. */
  readonly idleMax: number;
  /** Longest time a connection is kept aside; below what application servers commonly allow (5 s). */
  readonly idleMs: number;
  /** Bytes sent once at the beginning of every connection: a PROXY header. */
  readonly preamble?: Buffer;
  /** It is one of our own proxies, which keep idle connections far longer than {@link witnessMs}. */
  readonly keepsIdle?: boolean;
}

/** Who waits for a connection. Exactly one of the two is called. */
export interface ConnectionAwaiter {
  onConnected(connection: UpstreamConnection): void;
  onConnectFailed(cause: Error): void;
}

/** Cancels a connection attempt; nobody is called any more. */
export type CancelConnect = () => void;

/** How often old idle connections are looked for. */
const sweepMs = 1000;
/** An upstream that left a connection alone for this long does not close idle connections in the blink of `youngMs`. */
const witnessMs = 1000;
/** How long that is believed before it is looked at again: another program may listen there by then. */
const believedMs = 30_000;
/** A fiftieth of what was witnessed: room for a busy event loop at either end. */
const youngMs = 20;

/** One address requests are sent to, with the connections kept aside for it and what is under way there. */
export class Upstream {
  /** Requests under way, upgrades not included. */
  inFlight = 0;
  /** Connections that were upgraded and are still open. */
  upgrades = 0;
  readonly #options: UpstreamOptions;
  #idle: UpstreamConnection[] = [];
  /** A connection left alone to see how long the upstream keeps it. */
  #witness: UpstreamConnection | undefined;
  #believedUntil: number;
  #sweeping = false;
  #retired = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#believedUntil = options.keepsIdle ? Number.POSITIVE_INFINITY : 0;
  }

  /** A connection kept aside, the most recently used first; undefined when there is none. */
  takeIdle(now: number): UpstreamConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (!connection.socket.destroyed && now - connection.idleSince < this.#longestIdle(connection)) return connection;
      connection.destroy();
    }
  }

  /**
   * A connection for what must not be sent twice: used only moments ago, at an upstream that was seen to leave idle
   * connections alone for far longer. What is left is an upstream that ends at this very moment, and that takes new
   * connections with it just as well. Undefined when there is none.
   */
  takeYoung(now: number): UpstreamConnection | undefined {
    const youngest = this.#idle.at(-1);
    if (youngest === undefined || now >= this.#believedUntil || now - youngest.idleSince >= youngMs) return undefined;
    return this.takeIdle(now);
  }

  /** Opens a new connection within `timeoutMs`; `forTunnel`: its socket may be given away. */
  open({ timeoutMs, forTunnel }: { timeoutMs: number; forTunnel: boolean }, awaiter: ConnectionAwaiter): CancelConnect {
    const connection = forTunnel ? connectPlainly(this.#options.address) : connectFrugally(this.#options.address);
    const { socket } = connection;
    const stop = (): void => {
      clearTimeout(timer);
      socket.off("error", fail).off("connect", succeed);
    };
    const fail = (cause: Error): void => {
      stop();
      connection.destroy();
      awaiter.onConnectFailed(cause);
    };
    const succeed = (): void => {
      stop();
      if (this.#options.preamble !== undefined) connection.writer.bytes(this.#options.preamble);
      awaiter.onConnected(connection);
    };
    const timer = setTimeout(() => fail(new ConnectTimeout("the connection was not accepted in time")), timeoutMs);
    socket.on("error", fail).on("connect", succeed);
    return () => {
      stop();
      connection.destroy();
    };
  }

  /** Takes a connection back after a complete exchange; keeps or closes it. */
  release(connection: UpstreamConnection, now: number): void {
    if (this.#retired || !connection.reusable || this.#idle.length >= this.#options.idleMax) {
      connection.destroy();
      return;
    }
    connection.putAside(now, (lost) => this.#forget(lost, performance.now()));
    if (this.#wantsWitness(now)) this.#witness = connection;
    else this.#idle.push(connection);
    this.#scheduleSweep();
  }

  /** No more reuse: idle connections are closed now, others when their exchange is over. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#idle) connection.destroy();
    this.#witness?.destroy();
    this.#witness = undefined;
    this.#idle = [];
  }

  #longestIdle(connection: UpstreamConnection): number {
    return Math.min(this.#options.idleMs, connection.keepAliveHintMs - 1000);
  }

  /** With others to spare, and early enough that belief never lapses while there is traffic. */
  #wantsWitness(now: number): boolean {
    return this.#witness === undefined && this.#idle.length > 0 && now > this.#believedUntil - believedMs / 2;
  }

  #forget(lost: UpstreamConnection, now: number): void {
    if (now - lost.idleSince < witnessMs && !this.#options.keepsIdle) this.#believedUntil = 0;
    if (lost === this.#witness) this.#witness = undefined;
    const index = this.#idle.indexOf(lost);
    if (index !== -1) this.#idle.splice(index, 1);
  }

  #scheduleSweep(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    setTimeout(() => this.#sweep(performance.now()), sweepMs).unref();
  }

  #sweep(now: number): void {
    this.#sweeping = false;
    const [young, old] = [[], []] as [UpstreamConnection[], UpstreamConnection[]];
    for (const connection of this.#idle)
      (now - connection.idleSince < this.#longestIdle(connection) ? young : old).push(connection);
    this.#idle = young;
    for (const connection of old) connection.destroy();
    this.#hearWitness(now);
    if (this.#idle.length > 0 || this.#witness !== undefined) this.#scheduleSweep();
  }

  /** The witness is still open: that is its word. It is then as good as any other. */
  #hearWitness(now: number): void {
    const witness = this.#witness;
    if (witness === undefined || now - witness.idleSince < witnessMs) return;
    this.#witness = undefined;
    this.#believedUntil = now + believedMs;
    this.#idle.unshift(witness);
  }
}

/** Nothing accepted the connection within the time allowed. */
export class ConnectTimeout extends Error {}

const always = { noDelay: true, allowHalfOpen: true } as const;

function connectPlainly(address: NetConnectOpts): UpstreamConnection {
  const socket = connect({ ...always, ...address });
  const connection = new UpstreamConnection(socket);
  socket.on("data", (data: Buffer) => connection.onData(data));
  return connection;
}

/** Reads into memory that is used again: a buffer for every read is most of what there would be to collect. */
function connectFrugally(address: NetConnectOpts): UpstreamConnection {
  const memory = new ReadMemory();
  const onread = {
    buffer: () => memory.next(),
    callback: (bytes: number): boolean => {
      connection.onData(memory.first(bytes));
      return true;
    },
  };
  const connection = new UpstreamConnection(connect({ ...always, ...address, onread }), memory);
  return connection;
}
