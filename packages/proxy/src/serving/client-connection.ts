import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { answerPlain } from "../forwarding/answer-plain.ts";
import { GatheredWriter } from "../forwarding/gathered-writer.ts";
import { ProxyRequest } from "../forwarding/proxy-request.ts";
import { ProxyResponse } from "../forwarding/proxy-response.ts";
import type { ReceivedHead } from "../forwarding/received-head.ts";
import { expectsContinue } from "../forwarding/request-head.ts";
import { BodyReader } from "./body-reader.ts";
import type { RequestHandler } from "./client-server.ts";
import { mayBecomeHead, parseRequestHead } from "./parse-request-head.ts";

export interface ConnectionLimits {
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly headerBytesMax: number;
}

/** What all connections of one program share. */
export interface ConnectionRules {
  readonly limits: ConnectionLimits;
  readonly handler: RequestHandler;
  /** Every further answer closes its connection. */
  readonly draining: boolean;
  readonly keepAliveLines: string;
}

/** Who is at the other end. */
export interface ClientOrigin {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly bindingPort: number;
  readonly proto: "http" | "https";
}

/** A request that is not read to its end, read or not, keeps this much waiting here and the rest with the client. */
const waitingBytesMax = 64 * 1024;
/** A client that was told it is over may still be sending; what it sends is read this long, so that it gets to read why. */
const lingerMs = 2000;
const none = Buffer.alloc(0);
const malformed = "400 Bad Request";

/**
 * One connection of a client, for its whole life (RFC 9112). Requests are read one after the other: what comes behind
 * one waits until it is answered, so nothing can be answered in front of its turn.
 */
export class ClientConnection implements ClientOrigin {
  /** The socket requests are read from: the TLS one where there is TLS. */
  readonly socket: Socket;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly bindingPort: number;
  readonly proto: "http" | "https";
  readonly writer: GatheredWriter;
  /** When it was accepted or last became idle, on the monotonic clock. */
  idleSince: number;
  readonly #rules: ConnectionRules;
  /** Since when a head is being waited for: the first one from the beginning, others from their first byte. */
  #headSince: number;
  /** `given-away`: to a tunnel. */
  #phase: "serving" | "ending" | "given-away" = "serving";
  #endingSince = 0;
  #pending: Buffer = none;
  /** Bytes at the beginning of `#pending` that may become a head. */
  #judged = 0;
  #request: ProxyRequest | undefined;
  #response: ProxyResponse | undefined;
  #body: BodyReader | undefined;
  #advancing = false;
  readonly #takeBody = (piece: Buffer): void => {
    const { exchange, discards } = this.#request ?? {};
    if (!discards) exchange?.onRequestData(piece);
  };
  readonly #onData = (data: Buffer): void => this.#receive(data);
  readonly #onEnd = (): void => this.#ended();
  readonly #onDrain = (): void => {
    this.#response?.exchange?.onClientDrain();
    this.#advance();
  };

  constructor(
    socket: Socket,
    origin: ClientOrigin,
    rules: ConnectionRules,
    onClosed: (self: ClientConnection) => void,
  ) {
    this.socket = socket;
    this.clientAddress = origin.clientAddress;
    this.clientPort = origin.clientPort;
    this.bindingPort = origin.bindingPort;
    this.proto = origin.proto;
    this.writer = new GatheredWriter(socket);
    this.#rules = rules;
    this.idleSince = performance.now();
    this.#headSince = this.idleSince;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      onClosed(this);
      this.#response?.exchange?.onClientGone();
    });
    socket.on("end", this.#onEnd).on("drain", this.#onDrain).on("data", this.#onData);
  }

  /** No request is under way; a tunnel counts as one for as long as it is open. */
  get idle(): boolean {
    return this.#request === undefined && this.#phase === "serving";
  }

  get keepAliveLines(): string {
    return this.#rules.keepAliveLines;
  }

  get lastAnswer(): boolean {
    return this.#rules.draining;
  }

  /** Ends it without a word, behind what is still to be sent. */
  end(): void {
    this.#phase = "ending";
    this.socket.destroySoon();
  }

  cut(): void {
    this.socket.destroy();
  }

  /** Looks for limits that have passed. */
  check(now: number): void {
    const { limits } = this.#rules;
    const request = this.#request;
    if (this.writer.unsent) this.idleSince = now;
    else if (this.#phase === "ending") {
      if (now - this.#endingSince >= lingerMs) this.socket.destroy();
    } else if (this.#phase === "given-away") return;
    else if (request !== undefined) {
      if (!request.complete && now - request.receivedAt >= limits.requestTimeoutMs)
        this.#breakBody("408 Request Timeout");
    } else if (this.#headSince !== Number.POSITIVE_INFINITY) {
      if (now - this.#headSince >= limits.headersTimeoutMs) this.#refuse("408 Request Timeout");
    } else if (now - this.idleSince >= limits.keepAliveTimeoutMs) this.end();
  }

  onFlowChanged(): void {
    this.#advance();
  }

  onAnswered(): void {
    if (this.#phase !== "serving") return;
    if (this.#response?.shouldKeepAlive !== true) this.#finish();
    else if (this.#request?.complete === true) this.#awaitNext();
    else this.#request?.discard();
  }

  giveAway(): { readonly socket: Socket; readonly head: Buffer } {
    this.#phase = "given-away";
    this.socket.off("data", this.#onData).off("end", this.#onEnd).off("drain", this.#onDrain);
    const head = this.#pending;
    this.#pending = none;
    return { socket: this.socket, head };
  }

  #receive(data: Buffer): void {
    if (this.#phase === "ending") return;
    this.#pending = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    this.#advance();
  }

  /** Reads on as far as it may be read; what was handed to an exchange meanwhile leaves together. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#step());
    this.#advancing = false;
    const request = this.#request;
    if (request !== undefined && !request.discards) request.exchange?.onRequestPause();
    this.#throttle();
  }

  /** False when nothing more can be done for now. */
  #step(): boolean {
    if (this.#phase !== "serving" || this.#pending.length === 0) return false;
    if (this.#request === undefined) return !this.writer.congested && this.#readHead();
    return !this.#request.complete && this.#request.reads && this.#readBody(this.#request);
  }

  /** What nobody reads stays with the client. */
  #throttle(): void {
    const { socket } = this;
    const full = this.#pending.length >= waitingBytesMax && this.#phase === "serving";
    if (full !== socket.isPaused() && this.#phase !== "given-away") {
      if (full) socket.pause();
      else socket.resume();
    }
  }

  #readHead(): boolean {
    this.#skipEmptyLines();
    const pending = this.#pending;
    if (pending.length === 0) return false;
    const { headerBytesMax } = this.#rules.limits;
    if (this.#headSince === Number.POSITIVE_INFINITY) this.#headSince = performance.now();
    const end = pending.indexOf("\r\n\r\n", Math.max(0, this.#judged - 3));
    if (end === -1 ? pending.length > headerBytesMax : end > headerBytesMax)
      return this.#refuse("431 Request Header Fields Too Large");
    if (end === -1) return this.#judgeSoFar();
    const head = parseRequestHead(pending.toString("latin1", 0, end));
    if (head === undefined) return this.#refuse(malformed);
    this.#pending = end + 4 === pending.length ? none : pending.subarray(end + 4);
    this.#judged = 0;
    this.#begin(head);
    return true;
  }

  /** RFC 9112 §2.2: in front of a request line they are nothing. */
  #skipEmptyLines(): void {
    let at = 0;
    while (this.#pending[at] === 13 && this.#pending[at + 1] === 10) at += 2;
    if (at > 0) this.#pending = this.#pending.subarray(at);
    if (at > 0) this.#judged = 0;
  }

  /** What can't become a head is refused before its end, which may never come. */
  #judgeSoFar(): false {
    const from = this.#pending[this.#judged - 1] === 13 ? this.#judged - 1 : this.#judged;
    if (!mayBecomeHead(this.#pending.toString("latin1", from))) return this.#refuse(malformed);
    this.#judged = this.#pending.length;
    return false;
  }

  #begin(head: ReceivedHead): void {
    const request = new ProxyRequest(head, this, performance.now());
    const response = new ProxyResponse(head, this);
    this.#request = request;
    this.#response = response;
    this.#body = request.complete ? undefined : new BodyReader(head, this.#rules.limits.headerBytesMax);
    const { handler } = this.#rules;
    if (head.method === "CONNECT") this.#answerMalformed(response, 400, "CONNECT is not for a site");
    else if (head.expect !== undefined && head.minorVersion === 1 && !expectsContinue(head))
      // RFC 9110 §10.1.1: what is expected here nobody knows, and a slot is not asked.
      this.#answerMalformed(response, 417, "only 100-continue can be expected here");
    else handler.onRequest(request, response, this);
  }

  #answerMalformed(response: ProxyResponse, status: number, sentence: string): void {
    this.#rules.handler.onMalformed();
    response.shouldKeepAlive = false;
    answerPlain(response, status, sentence);
  }

  #readBody(request: ProxyRequest): boolean {
    const body = this.#body;
    if (body === undefined) return false;
    try {
      const rest = body.read(this.#pending, this.#takeBody);
      if (rest === undefined) return false;
      // The exchange may have ended the connection, and what was waiting with it.
      if (this.#phase === "serving") this.#pending = rest;
    } catch {
      this.#breakBody(malformed);
      return false;
    }
    if (body.complete) this.#completed(request, body);
    return true;
  }

  #completed(request: ProxyRequest, body: BodyReader): void {
    request.complete = true;
    request.rawTrailers = body.trailers;
    if (!request.discards) request.exchange?.onRequestEnd();
    if (this.#response?.ended) this.#awaitNext();
  }

  #awaitNext(): void {
    this.#request = undefined;
    this.#response = undefined;
    this.#body = undefined;
    this.idleSince = performance.now();
    this.#headSince = Number.POSITIVE_INFINITY;
    this.#advance();
  }

  /** The body of the request under way does not come to its end. */
  #breakBody(status: string): void {
    const { exchange, discards } = this.#request ?? {};
    if (exchange === undefined || discards) this.#finish();
    else exchange.onRequestBroken(Number.parseInt(status, 10));
  }

  /** Bytes that are no request end the connection (RFC 9112 §9.3.2), behind the answers to the requests before them. */
  #refuse(status: string): false {
    this.#rules.handler.onMalformed();
    this.writer.text(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    this.writer.flush();
    this.#finish();
    return false;
  }

  /** Closes behind what was said. Closing on a client that still sends would take our last words from it. */
  #finish(): void {
    const quiet = this.#request?.complete === true && this.#pending.length === 0;
    this.#phase = "ending";
    this.#endingSince = performance.now();
    this.#pending = none;
    if (this.socket.isPaused()) this.socket.resume();
    if (!quiet) this.socket.end();
    else if (this.writer.unsent || this.socket instanceof TLSSocket) this.socket.destroySoon();
    else this.socket.destroy();
  }

  /** The client has ended its side: with a request under way it counts as gone. */
  #ended(): void {
    if (this.#request !== undefined && this.#phase === "serving" && !this.#response?.ended) this.socket.destroy();
    else if (this.#phase === "ending") this.socket.destroySoon();
    else if (this.#request === undefined && this.#pending.length > 0) this.#refuse(malformed);
    else this.end();
  }
}
