import { latencyBucketOf, latencyBuckets } from "@sluice/core/health/latency-buckets";
import { type Outcome, outcomes } from "@sluice/core/health/outcome";

/** Requests of one kind at one binding; counts only grow while a process lives. */
export interface TrafficCounts {
  /** Requests by how they ended; absent: none. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Sum over the requests of `latency`, without those in its last bucket. */
  readonly sumMs: number;
  /**
   * Requests by the time from their head to the head of their answer, one place for each of `latencyBoundsMs` and one for
   * everything slower. `unreachable` requests are in the last one: a wait without an answer is a slow one. `aborted` and
   * `upgraded` requests are in none.
   */
  readonly latency: readonly number[];
}

const placeOf = Object.fromEntries(outcomes.map((outcome, place) => [outcome, place])) as Readonly<
  Record<Outcome, number>
>;

/** Counts requests of one kind at one binding; adding one allocates nothing. */
export class TrafficCounter {
  readonly #counts = new Float64Array(outcomes.length);
  readonly #latency = new Float64Array(latencyBuckets);
  #sumMs = 0;

  /** `tookMs` until the head of the answer. */
  add(outcome: Outcome, tookMs: number): void {
    const place = placeOf[outcome];
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    if (outcome === "aborted" || outcome === "upgraded") return;
    const bucket = outcome === "unreachable" ? latencyBuckets - 1 : latencyBucketOf(tookMs);
    this.#latency[bucket] = (this.#latency[bucket] ?? 0) + 1;
    if (bucket < latencyBuckets - 1) this.#sumMs += tookMs;
  }

  read(): TrafficCounts {
    const counted = outcomes.flatMap((outcome, place): [Outcome, number][] => {
      const count = this.#counts[place] ?? 0;
      return count === 0 ? [] : [[outcome, count]];
    });
    return { outcomes: Object.fromEntries(counted), sumMs: this.#sumMs, latency: [...this.#latency] };
  }
}
