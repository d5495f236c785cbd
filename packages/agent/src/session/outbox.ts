/** What is sent at once, and again under the same number until it is acknowledged. */
export interface Draft<Item> {
  readonly seq: number;
  readonly items: readonly Item[];
  /** Items that were never sent since the batch before. */
  readonly dropped: number;
}

/**
 * Items waiting for the coordinator, in order; the oldest give way when it is away for long, and are counted. In memory only: an
 * agent that ends loses what it had not sent.
 */
export class Outbox<Item> {
  readonly #max: number;
  #waiting: Item[] = [];
  #inFlight: Draft<Item> | undefined;
  #seq = 0;
  #dropped = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(items: readonly Item[]): void {
    this.#waiting.push(...items);
    const over = this.#waiting.length - this.#max;
    if (over <= 0) return;
    this.#waiting.splice(0, over);
    this.#dropped += over;
  }

  /** There were items that can't be sent: the coordinator is told how many. */
  lost(count: number): void {
    this.#dropped += count;
  }

  /** The batch to send now: the same one again until it is acknowledged, then the next; undefined when there is nothing. */
  batch(itemsMax: number): Draft<Item> | undefined {
    if (this.#inFlight !== undefined) return this.#inFlight;
    if (this.#waiting.length === 0) return undefined;
    this.#seq += 1;
    this.#inFlight = {
      seq: this.#seq,
      items: this.#waiting.splice(0, Math.max(1, itemsMax)),
      dropped: this.#dropped,
    };
    this.#dropped = 0;
    return this.#inFlight;
  }

  /** True when this was the batch under way and another may be sent. */
  acknowledge(seq: number): boolean {
    if (this.#inFlight?.seq !== seq) return false;
    this.#inFlight = undefined;
    return true;
  }

  /** True while a sent batch has not been acknowledged. */
  get awaitsAck(): boolean {
    return this.#inFlight !== undefined;
  }
}
