import type { ProbeResult } from "@sluice/core";

export interface ProbeBatchDraft {
  readonly seq: number;
  readonly results: readonly ProbeResult[];
  readonly dropped: number;
}

/** Results waiting for the coordinator; the oldest give way when it is away for long, and are counted. */
export class ResultBuffer {
  readonly #max: number;
  #waiting: ProbeResult[] = [];
  #inFlight: ProbeBatchDraft | undefined;
  #seq = 0;
  #dropped = 0;

  /** `max` results: at 10 bindings asked on 3 hops every 5 s this is about half an hour. */
  constructor(max = 10_000) {
    this.#max = max;
  }

  add(results: readonly ProbeResult[]): void {
    this.#waiting.push(...results);
    const over = this.#waiting.length - this.#max;
    if (over <= 0) return;
    this.#waiting.splice(0, over);
    this.#dropped += over;
  }

  /** The batch to send now: the same one again until it is acknowledged, then the next; undefined when there is nothing. */
  batch(resultsMax: number): ProbeBatchDraft | undefined {
    if (this.#inFlight !== undefined) return this.#inFlight;
    if (this.#waiting.length === 0) return undefined;
    this.#seq += 1;
    this.#inFlight = {
      seq: this.#seq,
      results: this.#waiting.splice(0, Math.max(1, resultsMax)),
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
