import { type Outcome, outcomeOf } from "@sluice/core/health/outcome";
import type { ResponseHead } from "../upstream/response-head.ts";
import { type CancelConnect, type ConnectionAwaiter, ConnectTimeout, type Upstream } from "../upstream/upstream.ts";
import type { ConnectionUser, UpstreamConnection } from "../upstream/upstream-connection.ts";
import { answerPlain } from "./answer-plain.ts";
import type { Forwarder, ForwardRequest } from "./forwarder.ts";
import type { Placed } from "./placed-set.ts";
import type { ProxyResponse } from "./proxy-response.ts";
import { expectsContinue, isIdempotent, requestHead } from "./request-head.ts";
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
export class Exchange implements ConnectionUser, ConnectionAwaiter, Placed {
  /** When `onDeadline` is due, on the monotonic clock. */
  deadline = Number.POSITIVE_INFINITY;
  place = -1;
  readonly #forwarder: Forwarder;
  readonly #request: ForwardRequest;
  readonly #res: ProxyResponse;
  readonly #startedAt = performance.now();
  /** When the head of the answer was there. */
  #answeredAt: number | undefined;
  readonly #head: string;
  #phase: Phase = "connecting";
  #attempts = 0;
  #connectBy = 0;
  #upstream: Upstream | undefined;
  #connection: UpstreamConnection | undefined;
  #sender: RequestSender | undefined;
  #cancelConnect: CancelConnect | undefined;
  #continued = false;
  /** The answer was read to its end; these came behind it. */
  #trailers: readonly string[] | undefined;

  constructor(forwarder: Forwarder, request: ForwardRequest, res: ProxyResponse) {
    this.#forwarder = forwarder;
    this.#request = request;
    this.#res = res;
    const { req, target, headers } = request;
    this.#head = requestHead({ received: req.head, target, headers, upgrade: req.wantsUpgrade });
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
    if (this.#request.req.wantsUpgrade || this.#attempts > 0) return undefined;
    const now = performance.now();
    return this.#mayBeRepeated() ? upstream.takeIdle(now) : upstream.takeYoung(now);
  }

  #mayBeRepeated(): boolean {
    const { head } = this.#request.req;
    return head.body === "none" && isIdempotent(head);
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
    const forTunnel = this.#request.req.wantsUpgrade;
    this.#cancelConnect = upstream.open({ timeoutMs: Math.max(1, this.#connectBy - now), forTunnel }, this);
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
    const { req } = this.#request;
    connection.use(this, req.head.method === "HEAD");
    connection.writer.text(this.#head);
    if (req.head.body === "none") {
      connection.writer.flush();
      return;
    }
    this.#sender = new RequestSender(req, connection.writer);
    req.flow();
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

  /** What the client has sent so far has all been handed over. */
  onRequestPause(): void {
    this.#sender?.flush();
  }

  /** What the client sends is no body, or it has stopped sending. */
  onRequestBroken(status: number): void {
    if (this.#phase !== "done") this.#fail(status, "the request could not be read to its end");
  }

  onWritable(): void {
    this.#heard();
    this.#sender?.resume();
  }

  onInformational({ status, reason, headers }: ResponseHead): void {
    const { req } = this.#request;
    if (this.#phase !== "waiting" || req.head.minorVersion === 0) return;
    if (status === 100) this.#continue();
    else if (!req.wantsUpgrade) this.#res.inform(status, reason, headers);
  }

  #continue(): void {
    if (this.#continued || !expectsContinue(this.#request.req.head)) return;
    this.#continued = true;
    this.#res.inform(100, "Continue", []);
  }

  onHead(head: ResponseHead): void {
    this.#phase = "responding";
    this.#answeredAt = this.#heard();
    const res = this.#res;
    if (this.#upstream !== undefined) this.#request.decorate?.(head.headers, this.#upstream);
    if (this.#request.req.wantsUpgrade || this.#bodyNeverAskedFor()) res.shouldKeepAlive = false;
    res.begin(head);
  }

  /** A final answer instead of 100: nobody knows whether the client sends the body now, so the connection can't go on. */
  #bodyNeverAskedFor(): boolean {
    const { req } = this.#request;
    return expectsContinue(req.head) && !this.#continued && !req.complete;
  }

  onBody(chunk: Buffer): void {
    if (this.#phase === "responding") this.#res.write(chunk);
  }

  onEnd(trailers: readonly string[]): void {
    if (this.#phase === "responding") this.#trailers = trailers;
  }

  onPause(): boolean {
    if (this.#phase !== "responding") return false;
    if (this.#trailers === undefined) this.#passOn();
    else this.#deliver(this.#trailers);
    return this.#res.unsent;
  }

  #passOn(): void {
    this.#heard();
    this.#res.flush();
    if (!this.#res.congested) return;
    // The client is slow, not the upstream.
    this.deadline = Number.POSITIVE_INFINITY;
    this.#connection?.socket.pause();
  }

  onClientDrain(): void {
    if (this.#phase === "responding") this.#heard();
    this.#connection?.socket.resume();
  }

  /** The upstream's connection first: the client's next request may follow at once and use it. */
  #deliver(trailers: readonly string[]): void {
    this.#giveBack();
    this.#finish(outcomeOf(this.#res.status));
    this.#res.end(trailers);
  }

  onUpgrade(head: ResponseHead, rest: Buffer): void {
    const { wantsUpgrade } = this.#request.req;
    if (!wantsUpgrade || this.#connection === undefined || this.#upstream === undefined) {
      this.#fail(502, "the site switched protocols without being asked");
      return;
    }
    const upstream = this.#upstream;
    const server = this.#connection.surrender();
    this.#connection = undefined;
    this.#finish("upgraded");
    this.#phase = "tunnel";
    const client = this.#res.giveAway();
    startTunnel({ client: client.socket, clientHead: client.head, server, serverHead: rest, response: head, upstream });
  }

  onConnectionLost(cause: Error, anyByte: boolean): void {
    const connection = this.#connection;
    if (this.#phase === "done" || connection === undefined) return;
    if (this.#trailers !== undefined) {
      this.#deliver(this.#trailers);
      return;
    }
    if (this.#phase === "waiting" && connection.reused && !anyByte && this.#mayBeRepeated()) {
      this.#connection = undefined;
      this.#attempts += 1;
      this.attempt();
      return;
    }
    this.#fail(502, `the site broke off: ${cause.message}`);
  }

  onDeadline(): void {
    if (this.#phase === "holding") this.#fail(503, "no release is live at the moment", ["Retry-After", "5"]);
    else if (this.#phase === "responding") this.#fail(504, "the site fell silent");
    else if (this.#phase !== "waiting") return;
    else if (this.#sender?.waitsForClient && !this.#awaitsContinue())
      this.#fail(408, "the request did not come to its end in time");
    else this.#fail(504, "the site did not answer in time");
  }

  #awaitsContinue(): boolean {
    return expectsContinue(this.#request.req.head) && !this.#continued;
  }

  /** The client's connection is gone, or the answer was delivered. */
  onClientGone(): void {
    if (this.#phase === "done" || this.#phase === "tunnel") return;
    this.#cancelConnect?.();
    this.#connection?.destroy();
    this.#finish(this.#phase === "responding" ? outcomeOf(this.#res.status) : "aborted");
  }

  /** Answers with a status of our own, or breaks the client's connection when an answer has begun: never a whole-looking part. */
  #fail(status: number, sentence: string, headers: readonly string[] = []): void {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#sender?.stop();
    const { req } = this.#request;
    const outcome = status >= 500 ? "unreachable" : outcomeOf(status);
    this.#finish(outcome);
    if (this.#res.sent) {
      this.#res.cut();
      return;
    }
    this.#res.takeBack();
    if (!req.complete || req.wantsUpgrade) this.#res.shouldKeepAlive = false;
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
