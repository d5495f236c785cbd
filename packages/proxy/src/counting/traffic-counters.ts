/** `aborted`: the client went away before it was answered. */
export type StatusClass = "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | "aborted";

export interface ClassCount {
  readonly count: number;
  readonly sumMs: number;
  /** Requests by latency; as many as {@link latencyBoundsMs} and one more for everything slower. */
  readonly latency: readonly number[];
}

/** Requests by class of the status the client was answered; classes without a request are absent. */
export type TrafficCounts = Readonly<Partial<Record<StatusClass, ClassCount>>>;

/** Upper bounds of the latency buckets in milliseconds: powers of √2 from 0.25 ms to 65 s, fixed so that counts of different processes add up. */
export const latencyBoundsMs: readonly number[] = Array.from({ length: 37 }, (_, index) =>
  Number((0.25 * 2 ** (index / 2)).toPrecision(4)),
);

const classes: readonly StatusClass[] = ["aborted", "1xx", "2xx", "3xx", "4xx", "5xx"];

/** Counts requests of one kind at one binding; adding one allocates nothing. */
export class TrafficCounter {
  readonly #counts = new Float64Array(classes.length);
  readonly #sums = new Float64Array(classes.length);
  readonly #latencies = new Float64Array(classes.length * (latencyBoundsMs.length + 1));

  /** `status` 0 is a client that went away. */
  add(status: number, tookMs: number): void {
    const row = Math.min(classes.length - 1, Math.floor(status / 100));
    const at = row * (latencyBoundsMs.length + 1) + bucketOf(tookMs);
    this.#counts[row] = (this.#counts[row] ?? 0) + 1;
    this.#sums[row] = (this.#sums[row] ?? 0) + tookMs;
    this.#latencies[at] = (this.#latencies[at] ?? 0) + 1;
  }

  read(): TrafficCounts {
    const counts: Partial<Record<StatusClass, ClassCount>> = {};
    const width = latencyBoundsMs.length + 1;
    classes.forEach((name, row) => {
      const count = this.#counts[row] ?? 0;
      if (count === 0) return;
      counts[name] = {
        count,
        sumMs: this.#sums[row] ?? 0,
        latency: [...this.#latencies.subarray(row * width, (row + 1) * width)],
      };
    });
    return counts;
  }
}

function bucketOf(ms: number): number {
  if (ms <= 0.25) return 0;
  const guess = Math.min(latencyBoundsMs.length, Math.ceil(2 * Math.log2(ms / 0.25)));
  const below = latencyBoundsMs[guess - 1];
  return below !== undefined && ms <= below ? guess - 1 : guess;
}
