import type { Exchange } from "./exchange.ts";
import type { ReceivedHead } from "./received-head.ts";
import { wantsUpgrade } from "./request-head.ts";

/** Where the body of a request comes from. */
export interface BodySource {
  /** The request wants more of its body, or none of it any more. */
  onFlowChanged(): void;
}

/**
 * `waiting` nobody has asked for the body · `flowing` it goes to the exchange as it comes · `paused` the upstream takes
 * no more for now · `discarding` it is read and dropped.
 */
type BodyFlow = "waiting" | "flowing" | "paused" | "discarding";

/** A client's request: its head, and the flow of its body. What is not asked for is not read. */
export class ProxyRequest {
  readonly head: ReceivedHead;
  /** An upgrade we carry; what comes behind its head is no body but another protocol. */
  readonly wantsUpgrade: boolean;
  /** On the monotonic clock. */
  readonly receivedAt: number;
  /** Who takes the body. */
  exchange: Exchange | undefined;
  /** It was read to its end. */
  complete: boolean;
  rawTrailers: readonly string[] = [];
  readonly #source: BodySource;
  #flow: BodyFlow = "waiting";

  constructor(head: ReceivedHead, source: BodySource, receivedAt: number) {
    this.head = head;
    this.receivedAt = receivedAt;
    this.complete = head.body === "none";
    this.wantsUpgrade = head.upgrade !== undefined && wantsUpgrade(head, head.upgrade);
    this.#source = source;
  }

  /** What comes is to be read on. */
  get reads(): boolean {
    return this.#flow === "flowing" || this.#flow === "discarding";
  }

  get paused(): boolean {
    return this.#flow === "paused";
  }

  get discards(): boolean {
    return this.#flow === "discarding";
  }

  pause(): void {
    if (this.#flow === "flowing") this.#flow = "paused";
  }

  /** Begins or goes on. */
  flow(): void {
    if (this.#flow === "discarding" || this.#flow === "flowing") return;
    this.#flow = "flowing";
    this.#source.onFlowChanged();
  }

  /** Reads and drops the rest, so that the client gets to read its answer and may send its next request. */
  discard(): void {
    if (this.#flow === "discarding") return;
    this.#flow = "discarding";
    this.#source.onFlowChanged();
  }
}
