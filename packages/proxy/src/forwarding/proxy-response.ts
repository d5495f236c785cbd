import type { Socket } from "node:net";
import type { ResponseHead } from "../upstream/response-head.ts";
import type { Exchange } from "./exchange.ts";
import type { GatheredWriter } from "./gathered-writer.ts";
import { httpDate } from "./http-date.ts";
import { headerLines } from "./raw-headers.ts";
import type { ReceivedHead } from "./received-head.ts";

/** The connection an answer goes to. */
export interface ResponseOutlet {
  readonly writer: GatheredWriter;
  /** Closes after the answer whatever the answer says. */
  readonly lastAnswer: boolean;
  /** The header lines that keep the connection, and the empty line behind them. */
  readonly keepAliveLines: string;
  /** The answer was handed over to its end. */
  onAnswered(): void;
  /** The socket, for another protocol, and what the client sent behind its request. */
  giveAway(): { readonly socket: Socket; readonly head: Buffer };
  /** Cuts the connection: an answer that can't go on must not look whole. */
  cut(): void;
}

/** The answer to one request. Nothing leaves before `flush` or `end`. */
export class ProxyResponse {
  exchange: Exchange | undefined;
  shouldKeepAlive: boolean;
  /** 0 until it has begun. */
  status = 0;
  /** The client may have seen some of the final answer. */
  sent = false;
  ended = false;
  readonly #request: ReceivedHead;
  readonly #outlet: ResponseOutlet;
  #body: "none" | "length" | "chunked" | "to-the-end" = "none";

  constructor(request: ReceivedHead, outlet: ResponseOutlet) {
    this.#request = request;
    this.#outlet = outlet;
    this.shouldKeepAlive = request.keepAlive;
  }

  /** The client has more to read than it should be given. `Exchange.onClientDrain` follows. */
  get congested(): boolean {
    return this.#outlet.writer.congested;
  }

  /** Not everything that was flushed has left. */
  get unsent(): boolean {
    return this.#outlet.writer.unsent;
  }

  /** An informational answer; leaves at once. */
  inform(status: number, reason: string, headers: readonly string[]): void {
    this.#outlet.writer.text(`HTTP/1.1 ${status} ${reason}\r\n${headerLines(headers)}\r\n`);
    this.#outlet.writer.flush();
  }

  /** Begins with a head whose fields are well-formed; decides the framing towards the client. */
  begin({ status, reason, headers, hasDate }: ResponseHead): void {
    this.status = status;
    this.#body = this.#framing(status, headers);
    if (this.#body === "to-the-end" || this.#outlet.lastAnswer) this.shouldKeepAlive = false;
    let head = `HTTP/1.1 ${status} ${reason}\r\n${headerLines(headers)}`;
    if (!hasDate) head += `Date: ${httpDate()}\r\n`;
    if (this.#body === "chunked") head += "Transfer-Encoding: chunked\r\n";
    head += this.shouldKeepAlive ? this.#outlet.keepAliveLines : "Connection: close\r\n\r\n";
    this.#outlet.writer.text(head);
  }

  write(chunk: Buffer): void {
    if (this.#body === "none" || chunk.length === 0) return;
    const { writer } = this.#outlet;
    if (this.#body === "chunked") writer.text(`${chunk.length.toString(16)}\r\n`);
    writer.bytes(chunk);
    if (this.#body === "chunked") writer.text("\r\n");
  }

  end(trailers: readonly string[] = []): void {
    if (this.ended) return;
    this.ended = true;
    if (this.#body === "chunked") this.#outlet.writer.text(`0\r\n${headerLines(trailers)}\r\n`);
    this.flush();
    this.#outlet.onAnswered();
  }

  flush(): void {
    if (this.status !== 0) this.sent = true;
    this.#outlet.writer.flush();
  }

  /** Forgets what was begun and not flushed; something else may be answered. */
  takeBack(): void {
    this.status = 0;
    this.#outlet.writer.discard();
  }

  /** No answer of HTTP: the connection speaks another protocol from here on. */
  giveAway(): { readonly socket: Socket; readonly head: Buffer } {
    return this.#outlet.giveAway();
  }

  cut(): void {
    this.#outlet.cut();
  }

  /** RFC 9112 §6.3. */
  #framing(status: number, headers: readonly string[]): "none" | "length" | "chunked" | "to-the-end" {
    if (this.#request.method === "HEAD" || status === 204 || status === 304) return "none";
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] ?? "";
      if (name.length === 14 && name.toLowerCase() === "content-length") return "length";
    }
    return this.#request.minorVersion === 1 ? "chunked" : "to-the-end";
  }
}
