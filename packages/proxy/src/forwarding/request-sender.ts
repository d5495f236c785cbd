import type { Socket } from "node:net";
import { headerFate } from "@sluice/core/proxying/header-fate";
import { forbiddenTrailers } from "../upstream/response-head.ts";
import type { ProxyRequest } from "./messages.ts";

/** Streams a request's body to an upstream in constant memory: what the upstream does not take is not read from the client. */
export class RequestSender {
  /** Everything has been handed to the socket. */
  finished = false;
  readonly #req: ProxyRequest;
  readonly #socket: Socket;
  readonly #chunked: boolean;
  #stopped = false;

  constructor(req: ProxyRequest, socket: Socket, chunked: boolean) {
    this.#req = req;
    this.#socket = socket;
    this.#chunked = chunked;
  }

  /** The upstream would take more than the client has sent so far. */
  get waitsForClient(): boolean {
    return !this.finished && !this.#stopped && !this.#req.isPaused();
  }

  start(): void {
    this.#req.on("data", onData);
    this.#req.on("end", onEnd);
  }

  send(chunk: Buffer): void {
    if (this.#stopped || this.#socket.destroyed) return;
    if (!this.#write(chunk)) this.#req.pause();
  }

  end(): void {
    if (this.#stopped) return;
    this.finished = true;
    if (this.#chunked) this.#socket.write(`0\r\n${trailerLines(this.#req.rawTrailers)}\r\n`, "latin1");
  }

  resume(): void {
    if (!this.#stopped) this.#req.resume();
  }

  /** Sends no more; what the client still has to say is read and dropped, so that it gets to read its answer. */
  stop(): void {
    this.#stopped = true;
    this.#req.off("data", onData);
    this.#req.off("end", onEnd);
    this.#req.resume();
  }

  #write(chunk: Buffer): boolean {
    if (!this.#chunked) return this.#socket.write(chunk);
    this.#socket.cork();
    this.#socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(chunk);
    const more = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return more;
  }
}

function onData(this: ProxyRequest, chunk: Buffer): void {
  this.exchange?.onRequestData(chunk);
}

function onEnd(this: ProxyRequest): void {
  this.exchange?.onRequestEnd();
}

function trailerLines(raw: readonly string[]): string {
  let lines = "";
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (headerFate(name) === "keep" && !forbiddenTrailers.has(name.toLowerCase()))
      lines += `${name}: ${raw[index + 1]}\r\n`;
  }
  return lines;
}
