import type { Outcome } from "@sluice/core/health/outcome";
import { afterReading } from "../timing/after-reading.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { Exchange } from "./exchange.ts";
import { PlacedSet } from "./placed-set.ts";
import type { ProxyRequest } from "./proxy-request.ts";
import type { ProxyResponse } from "./proxy-response.ts";

/** What the forwarding of one program may take; see `ProxyLimits`. */
export interface ForwardingLimits {
  readonly holdMs: number;
  readonly connectTimeoutMs: number;
  readonly responseTimeoutMs: number;
}

/** A request that was judged, matched and given its headers; ready to be sent anywhere. */
export interface ForwardRequest {
  readonly req: ProxyRequest;
  readonly target: string;
  /** End-to-end headers, Host included; framing and connection headers are added here. */
  readonly headers: readonly string[];
  /** Where it may go, asked for each attempt; undefined: nowhere yet, hold it. */
  upstream(attempt: number): Upstream | undefined;
  /** May change the end-to-end response headers in place. */
  decorate?(headers: string[], upstream: Upstream): void;
  /** Called once, when it is over; `tookMs` until the head of the answer. */
  done?(outcome: Outcome, tookMs: number): void;
}

/** How often deadlines are looked at: one timer for all requests instead of one for each. */
const tickMs = 50;

/** Sends requests to upstreams and their answers back; one per program. */
export class Forwarder {
  readonly limits: ForwardingLimits;
  /** Those whose deadlines are looked at. */
  readonly #waiting = new PlacedSet<Exchange>();
  readonly #held = new Set<Exchange>();
  #ticking = false;
  readonly #tickAfterReading = afterReading(() => this.#tick());

  constructor(limits: ForwardingLimits) {
    this.limits = limits;
  }

  /** Requests held because there is nowhere to send them. */
  get held(): number {
    return this.#held.size;
  }

  /**
   * Forwards a request and answers it, whatever happens; one to upgrade becomes a tunnel when the upstream agrees. The
   * caller tells `res.exchange` when the client is gone.
   */
  forward(request: ForwardRequest, res: ProxyResponse): void {
    new Exchange(this, request, res).start();
  }

  /** There may be somewhere to send them now: tries every held request again. */
  retryHeld(): void {
    const held = [...this.#held];
    this.#held.clear();
    for (const exchange of held) exchange.attempt();
  }

  hold(exchange: Exchange): void {
    this.#held.add(exchange);
  }

  watch(exchange: Exchange): void {
    this.#waiting.add(exchange);
    if (this.#ticking) return;
    this.#ticking = true;
    setTimeout(this.#tickAfterReading, tickMs).unref();
  }

  forget(exchange: Exchange): void {
    this.#waiting.delete(exchange);
    if (this.#held.size > 0) this.#held.delete(exchange);
  }

  #tick(): void {
    this.#ticking = false;
    const now = performance.now();
    this.#waiting.each((exchange) => {
      if (now >= exchange.deadline) exchange.onDeadline();
    });
    if (this.#waiting.size === 0) return;
    this.#ticking = true;
    setTimeout(this.#tickAfterReading, tickMs).unref();
  }
}
