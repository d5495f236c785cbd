import type { Socket } from "node:net";
import type { ProxyRequest } from "../forwarding/proxy-request.ts";
import type { ProxyResponse } from "../forwarding/proxy-response.ts";
import { afterReading } from "../timing/after-reading.ts";
import {
  ClientConnection,
  type ClientOrigin,
  type ConnectionLimits,
  type ConnectionRules,
} from "./client-connection.ts";

export interface ClientServerLimits extends ConnectionLimits {
  readonly connectionsMax: number;
}

/** What a proxy does with the requests it is given. */
export interface RequestHandler {
  /** `req.wantsUpgrade` says that it is one to upgrade. */
  onRequest(req: ProxyRequest, res: ProxyResponse, connection: ClientConnection): void;
  /** Bytes that are no request; already answered. */
  onMalformed(): void;
}

/** How often limits are looked at: one timer for all connections. No limit is exceeded by more than a second. */
const checkEveryMs = 1000;
const checkEveryMsMin = 50;

/**
 * Reads requests from connections that were accepted, announced and decrypted elsewhere. Owns every client connection
 * from then on, so that a drain can wait for them.
 */
export class ClientServer implements ConnectionRules {
  /** Every further answer closes its connection. */
  draining = false;
  readonly limits: ClientServerLimits;
  readonly handler: RequestHandler;
  readonly keepAliveLines: string;
  readonly #connections = new Set<ClientConnection>();
  readonly #forget = (connection: ClientConnection): void => void this.#connections.delete(connection);
  readonly #checking: NodeJS.Timeout;

  constructor(limits: ClientServerLimits, handler: RequestHandler) {
    this.limits = limits;
    this.handler = handler;
    const { headersTimeoutMs, keepAliveTimeoutMs } = limits;
    this.keepAliveLines = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n\r\n`;
    const halfOfShortest = Math.min(headersTimeoutMs, keepAliveTimeoutMs) / 2;
    const everyMs = Math.min(checkEveryMs, Math.max(checkEveryMsMin, halfOfShortest));
    const check = afterReading(() => this.#check(performance.now()));
    this.#checking = setInterval(check, everyMs).unref();
  }

  get connections(): ReadonlySet<ClientConnection> {
    return this.#connections;
  }

  /** No room for another connection. */
  get full(): boolean {
    return this.#connections.size >= this.limits.connectionsMax;
  }

  /** Begins to read requests from a connection. */
  serve(socket: Socket, origin: ClientOrigin): void {
    if (socket.destroyed) return;
    this.#connections.add(new ClientConnection(socket, origin, this, this.#forget));
  }

  /** Closes connections that have been idle for `graceMs`; returns how many are left. */
  closeIdle(graceMs: number, now: number): number {
    for (const connection of this.#connections)
      if (connection.idle && now - connection.idleSince >= graceMs) connection.end();
    return this.#connections.size;
  }

  /** Cuts whatever is left. */
  close(): void {
    clearInterval(this.#checking);
    for (const connection of this.#connections) connection.cut();
  }

  #check(now: number): void {
    for (const connection of this.#connections) connection.check(now);
  }
}
