import type { Duplex } from "node:stream";
import { type Outcome, outcomeOf } from "@sluice/core/health/outcome";
import type { ResponseHead } from "../upstream/response-head.ts";
import { type CancelConnect, type ConnectionAwaiter, ConnectTimeout, type Upstream } from "../upstream/upstream.ts";
import type { ConnectionUser, UpstreamConnection } from "../upstream/upstream-connection.ts";
import { answerPlain } from "./answer-plain.ts";
import type { Forwarder, ForwardRequest } from "./forwarder.ts";
import type { ProxyResponse } from "./messages.ts";
import { headerPairs } from "./raw-headers.ts";
import { expectsContinue, isIdempotent, type RequestBody, requestBody, requestHead } from "./request-head.ts";
import { RequestSender } from "./request-sender.ts";
import { startTunnel } from "./tunnel.ts";

/** Between attempts to connect: short, because a restarting upstream is back within milliseconds. */
const reconnectMs = 20;

/**
 * `holding` nowhere to go, nothing read · `connecting` an attempt or a pause between two · `waiting` sent (at least in
 * part), no response head yet · `responding` the head is on its way to the client · `tunnel` upgraded · `done`.
 */
type Phase = "holding" | "connecting" | "waiting" | "responding" | "tunnel" | "done";

/** One request on its way to an upstream and its answer on the way back. */
export class Exchange implements ConnectionUser, ConnectionAwaiter {
  /** When `onDeadline` is due, on the monotonic clock. */
  deadline = Number.POSITIVE_INFINITY;
  readonly #forwarder: Forwarder;
  readonly #request: ForwardRequest;
  readonly #res: ProxyResponse;
  readonly #upgrade: { readonly socket: Duplex; readonly head: Buffer } | undefined;
  readonly #startedAt = performance.now();
  /** When the head of the answer was there. */
  #answeredAt: number | undefined;
  readonly #body: RequestBody;
  readonly #head: string;
  #phase: Phase = "connecting";
  #attempts = 0;
  #connectBy = 0;
  #upstream: Upstream | undefined;
  #connection: UpstreamConnection | undefined;
  #sender: RequestSender | undefined;
  #cancelConnect: CancelConnect | undefined;
  #continued = false;
  #resumesOnDrain = false;

  constructor(
    forwarder: Forwarder,
    request: ForwardRequest,
    res: ProxyResponse,
    upgrade: { readonly socket: Duplex; readonly head: Buffer } | undefined,
  ) {
    this.#forwarder = forwarder;
    this.#request = request;
    this.#res = res;
    this.#upgrade = upgrade;
    this.#body = upgrade === undefined ? requestBody(request.req) : "none";
    this.#head = requestHead({
      req: request.req,
      target: request.target,
      headers: request.headers,
      body: this.#body,
      upgrade: upgrade !== undefined,
    });
  }

  start(): void {
    this.#res.exchange = this;
    this.#request.req.exchange = this;
    this.attempt();
  }

  /** Looks for an upstream and a connection to it; holds the request while there is no upstream. */
  attempt(): void {
    if (this.#phase === "done") return;
    this.#leave();
    const upstream = this.#request.upstream(this.#attempts);
    if (upstream === undefined) {
      this.#hold();
      return;
    }
    this.#phase = "connecting";
    this.#upstream = upstream;
    upstream.inFlight += 1;
    const kept = this.#takeKept(upstream);
    if (kept === undefined) this.#connect(upstream);
    else this.onConnected(kept);
  }

  /** Only what may be sent twice goes over a connection the upstream may be closing at this moment. */
  #takeKept(upstream: Upstream): UpstreamConnection | undefined {
    if (this.#upgrade !== undefined || this.#attempts > 0) return undefined;
    const now = performance.now();
    return this.#mayBeRepeated() ? upstream.takeIdle(now) : upstream.takeYoung(now);
  }

  #mayBeRepeated(): boolean {
    return this.#body === "none" && isIdempotent(this.#request.req);
  }

  #hold(): void {
    if (this.#phase !== "holding") this.deadline = performance.now() + this.#forwarder.limits.holdMs;
    this.#phase = "holding";
    this.#forwarder.hold(this);
    this.#forwarder.watch(this);
  }

  #connect(upstream: Upstream): void {
    const now = performance.now();
    if (this.#connectBy === 0) this.#connectBy = now + this.#forwarder.limits.connectTimeoutMs;
    this.#attempts += 1;
    this.#cancelConnect = upstream.open(Math.max(1, this.#connectBy - now), this);
  }

  onConnectFailed(cause: Error): void {
    this.#cancelConnect = undefined;
    const left = this.#connectBy - performance.now();
    if (cause instanceof ConnectTimeout || left <= 0) {
      this.#fail(cause instanceof ConnectTimeout ? 504 : 502, "the site could not be reached");
      return;
    }
    this.#leave();
    const timer = setTimeout(() => this.attempt(), Math.min(reconnectMs, left));
    this.#cancelConnect = () => clearTimeout(timer);
  }

  onConnected(connection: UpstreamConnection): void {
    this.#cancelConnect = undefined;
    this.#phase = "waiting";
    this.#connection = connection;
    this.#heard();
    this.#forwarder.watch(this);
    connection.use(this, this.#request.req.method === "HEAD");
    connection.socket.write(this.#head, "latin1");
    if (this.#body === "none") return;
    this.#sender = new RequestSender(this.#request.req, connection.socket, this.#body === "chunked");
    this.#sender.start();
  }

  /** Either side has said or taken something: silence counts from here. */
  #heard(): number {
    const now = performance.now();
    this.deadline = now + this.#forwarder.limits.responseTimeoutMs;
    return now;
  }

  onRequestData(chunk: Buffer): void {
    this.#heard();
    this.#sender?.send(chunk);
  }

  onRequestEnd(): void {
    this.#heard();
    this.#sender?.end();
  }

  /** What the client sends is no body, or it has stopped sending. */
  onRequestBroken(status: number): void {
    if (this.#phase !== "done") this.#fail(status, "the request could not be read to its end");
  }

  onWritable(): void {
    this.#heard();
    this.#sender?.resume();
  }

  onInformational(head: ResponseHead): void {
    if (this.#phase !== "waiting" || this.#request.req.httpVersionMinor === 0) return;
    if (head.status === 100) this.#continue();
    else if (this.#upgrade === undefined) this.#res.writeInformation(head.status, head.headers);
  }

  #continue(): void {
    if (this.#continued || !expectsContinue(this.#request.req)) return;
    this.#continued = true;
    this.#res.writeContinue();
  }

  onHead(head: ResponseHead): void {
    this.#phase = "responding";
    this.#answeredAt = this.#heard();
    const res = this.#res;
    if (this.#upstream !== undefined) this.#request.decorate?.(head.headers, this.#upstream);
    if (head.hasDate) res.sendDate = false;
    if (this.#forwarder.draining || this.#bodyNeverAskedFor()) res.shouldKeepAlive = false;
    try {
      res.writeHead(head.status, head.reason, head.headers);
    } catch {
      this.#fail(502, "the site sent headers that can't be forwarded");
    }
  }

  /** A final answer instead of 100: nobody knows whether the client sends the body now, so the connection can't go on. */
  #bodyNeverAskedFor(): boolean {
    const { req } = this.#request;
    return expectsContinue(req) && !this.#continued && !req.complete;
  }

  onBody(chunk: Buffer, last: boolean): void {
    if (this.#phase !== "responding") return;
    if (last) {
      this.#res.end(chunk);
      return;
    }
    this.#heard();
    if (this.#res.write(chunk)) return;
    // The client is slow, not the upstream.
    this.deadline = Number.POSITIVE_INFINITY;
    this.#connection?.socket.pause();
    if (this.#resumesOnDrain) return;
    this.#resumesOnDrain = true;
    this.#res.on("drain", onClientDrain);
  }

  onClientDrain(): void {
    if (this.#phase === "responding") this.#heard();
    this.#connection?.socket.resume();
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#phase !== "responding") return;
    const res = this.#res;
    if (trailers.length > 0) res.addTrailers(headerPairs(trailers));
    const status = res.statusCode;
    if (!res.writableEnded) res.end();
    this.#giveBack();
    this.#finish(outcomeOf(status));
  }

  onUpgrade(head: ResponseHead, rest: Buffer): void {
    const { req } = this.#request;
    if (this.#upgrade === undefined || this.#connection === undefined || this.#upstream === undefined) {
      this.#fail(502, "the site switched protocols without being asked");
      return;
    }
    const upstream = this.#upstream;
    const server = this.#connection.surrender();
    this.#connection = undefined;
    this.#forwarder.forget(this);
    this.#res.detachSocket(req.socket);
    this.#finish("upgraded");
    this.#phase = "tunnel";
    startTunnel({
      client: this.#upgrade.socket,
      clientHead: this.#upgrade.head,
      server,
      serverHead: rest,
      response: head,
      upstream,
    });
  }

  onConnectionLost(cause: Error, anyByte: boolean): void {
    const connection = this.#connection;
    if (this.#phase === "done" || connection === undefined) return;
    if (this.#phase === "waiting" && connection.reused && !anyByte && this.#mayBeRepeated()) {
      this.#connection = undefined;
      this.#attempts += 1;
      this.attempt();
      return;
    }
    this.#fail(502, `the site broke off: ${cause.message}`);
  }

  onDeadline(): void {
    if (this.#phase === "holding") this.#fail(503, "no release is live at the moment", { "Retry-After": "5" });
    else if (this.#phase === "responding") this.#fail(504, "the site fell silent");
    else if (this.#phase !== "waiting") return;
    else if (this.#sender?.waitsForClient && !this.#awaitsContinue())
      this.#fail(408, "the request did not come to its end in time");
    else this.#fail(504, "the site did not answer in time");
  }

  #awaitsContinue(): boolean {
    return expectsContinue(this.#request.req) && !this.#continued;
  }

  /** The client's connection is gone, or the answer was delivered. */
  onClientGone(): void {
    if (this.#phase === "done" || this.#phase === "tunnel") return;
    this.#cancelConnect?.();
    this.#connection?.destroy();
    this.#finish(this.#phase === "responding" ? outcomeOf(this.#res.statusCode) : "aborted");
  }

  /** Answers with a status of our own, or breaks the client's connection when an answer has begun: never a whole-looking part. */
  #fail(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#sender?.stop();
    const { req } = this.#request;
    const outcome = status >= 500 ? "unreachable" : outcomeOf(status);
    if (this.#res.headersSent) {
      this.#finish(outcome);
      req.socket.destroy();
      return;
    }
    if (!req.complete && this.#body !== "none") this.#res.shouldKeepAlive = false;
    this.#finish(outcome);
    answerPlain(this.#res, status, sentence, headers);
  }

  /** The upstream's connection goes back to its pool unless the request was not sent to its end. */
  #giveBack(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    if (this.#sender !== undefined && !this.#sender.finished) {
      this.#sender.stop();
      connection.destroy();
    } else if (this.#upstream === undefined) connection.destroy();
    else this.#upstream.release(connection, performance.now());
  }

  #leave(): void {
    if (this.#upstream !== undefined) this.#upstream.inFlight -= 1;
    this.#upstream = undefined;
  }

  #finish(outcome: Outcome): void {
    this.#phase = "done";
    this.#forwarder.forget(this);
    this.#leave();
    this.#request.done?.(outcome, (this.#answeredAt ?? performance.now()) - this.#startedAt);
  }
}

function onClientDrain(this: ProxyResponse): void {
  this.exchange?.onClientDrain();
}
