import type { Socket } from "node:net";
import { GatheredWriter } from "../forwarding/gathered-writer.ts";
import type { ReadMemory } from "./read-memory.ts";
import { ResponseParser, type ResponseSink } from "./response-parser.ts";

/** Who uses a connection for one request. */
export interface ConnectionUser extends ResponseSink {
  /** The connection is gone before the response was complete; `anyByte` says whether any of it had come. */
  onConnectionLost(cause: Error, anyByte: boolean): void;
  /**
   * Everything that has arrived so far was handed over. Says whether the chunks of `onBody` are still needed when it
   * returns; otherwise their memory is read into again.
   */
  onPause(): boolean;
  /** Written bytes have left; more may be written. */
  onWritable(): void;
}

/** One HTTP/1.1 connection to an upstream, used by one request at a time. */
export class UpstreamConnection {
  readonly socket: Socket;
  readonly writer: GatheredWriter;
  /** A request has been answered on it before: it may be closing while we write. */
  reused = false;
  /** When it was put aside; milliseconds of the monotonic clock. */
  idleSince = 0;
  readonly #memory: ReadMemory | undefined;
  readonly #parser = new ResponseParser();
  #user: ConnectionUser | undefined;
  #lost: ((connection: UpstreamConnection) => void) | undefined;

  /** `memory`: where the bytes given to `onData` lie, when that is used again. */
  constructor(socket: Socket, memory?: ReadMemory) {
    this.socket = socket;
    this.#memory = memory;
    this.writer = new GatheredWriter(socket);
    socket.on("end", () => this.#onClosed(new Error("the upstream closed the connection")));
    socket.on("error", (cause: Error) => this.#onClosed(cause));
    socket.on("close", () => this.#onClosed(new Error("the connection to the upstream was closed")));
    socket.on("drain", () => this.#user?.onWritable());
  }

  /** Hands the connection to one request. */
  use(user: ConnectionUser, bodiless: boolean): void {
    this.#user = user;
    this.#lost = undefined;
    this.#parser.expect(user, bodiless);
  }

  /** Puts it aside; `lost` is told when it goes away meanwhile. */
  putAside(now: number, lost: (connection: UpstreamConnection) => void): void {
    this.#user = undefined;
    this.#lost = lost;
    this.reused = true;
    this.idleSince = now;
    if (this.socket.isPaused()) this.socket.resume();
  }

  /** The response was complete, nothing came behind it, and the upstream keeps the connection. */
  get reusable(): boolean {
    return this.#parser.complete && this.#parser.keepAlive && !this.socket.destroyed && this.socket.writable;
  }

  get keepAliveHintMs(): number {
    return this.#parser.keepAliveHintMs;
  }

  /** Nobody is told any more; the socket is gone. */
  destroy(): void {
    this.#user = undefined;
    this.#lost = undefined;
    this.socket.destroy();
  }

  /** Gives the socket away to a tunnel; this object is done with it. */
  surrender(): Socket {
    this.#user = undefined;
    for (const event of ["data", "end", "close", "drain"]) this.socket.removeAllListeners(event);
    return this.socket;
  }

  /** Takes what was read. */
  onData(data: Buffer): void {
    const user = this.#user;
    if (user === undefined) {
      this.#onClosed(new Error("the upstream spoke without being asked"));
      return;
    }
    try {
      this.#parser.execute(data);
      if (user.onPause() && this.#memory !== undefined) this.#memory.lent = true;
    } catch (cause) {
      this.#user = undefined;
      this.socket.destroy();
      user.onConnectionLost(cause instanceof Error ? cause : new Error(String(cause)), true);
    }
  }

  #onClosed(cause: Error): void {
    const user = this.#user;
    const lost = this.#lost;
    this.#lost = undefined;
    if (user !== undefined && !this.#finishedByClose(cause)) {
      this.#user = undefined;
      user.onConnectionLost(cause, this.#parser.anyByte);
    }
    this.socket.destroy();
    lost?.(this);
  }

  /** A body that ends with the connection is complete when the upstream ended it, not when the connection broke. */
  #finishedByClose(cause: Error): boolean {
    if ("code" in cause) return this.#parser.complete;
    const finished = this.#parser.finish();
    if (finished) this.#user?.onPause();
    return finished;
  }
}
