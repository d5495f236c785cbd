import { headerFate } from "@sluice/core/proxying/header-fate";
import { forbiddenTrailers } from "../upstream/response-head.ts";
import type { GatheredWriter } from "./gathered-writer.ts";
import type { ProxyRequest } from "./proxy-request.ts";

/** Streams a request's body to an upstream in constant memory: what the upstream does not take is not read from the client. */
export class RequestSender {
  /** Everything has been handed over. */
  finished = false;
  readonly #req: ProxyRequest;
  readonly #writer: GatheredWriter;
  readonly #chunked: boolean;
  #stopped = false;

  constructor(req: ProxyRequest, writer: GatheredWriter) {
    this.#req = req;
    this.#writer = writer;
    this.#chunked = req.head.body === "chunked";
  }

  /** The upstream would take more than the client has sent so far. */
  get waitsForClient(): boolean {
    return !this.finished && !this.#stopped && !this.#req.paused;
  }

  send(chunk: Buffer): void {
    if (this.#stopped) return;
    if (this.#chunked) this.#writer.text(`${chunk.length.toString(16)}\r\n`);
    this.#writer.bytes(chunk);
    if (this.#chunked) this.#writer.text("\r\n");
  }

  end(): void {
    if (this.#stopped) return;
    this.finished = true;
    if (this.#chunked) this.#writer.text(`0\r\n${trailerLines(this.#req.rawTrailers)}\r\n`);
  }

  /** What was sent since the last time leaves together. */
  flush(): void {
    if (this.#stopped) return;
    this.#writer.flush();
    if (this.#writer.congested) this.#req.pause();
  }

  resume(): void {
    if (!this.#stopped) this.#req.flow();
  }

  /** Sends no more; what the client still has to say is read and dropped, so that it gets to read its answer. */
  stop(): void {
    this.#stopped = true;
    this.#req.discard();
  }
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
