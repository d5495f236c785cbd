import type { LatencyIndicator } from "./tested-stratum.ts";
import type { TrafficBlock } from "./traffic-block.ts";

/** Where slow begins among the latency buckets of a host, in buckets and parts of them. */
export interface SlowCut {
  /** The percentile of the history, as if requests lay evenly in its bucket. */
  readonly at: number;
  /** How far above the true percentile may lie: nobody knows where in a bucket requests are. */
  readonly blur: number;
}

/** Fewer requests leave a 95th percentile to chance. */
const requestsMin = 200;

const percentiles: Readonly<Record<LatencyIndicator, number>> = { slow: 0.95, "above-median": 0.5 };

/** A bucket with a tenth of all requests may hide a step anywhere in it; one with less hides the less. */
const shareOfStep = 0.1;

/**
 * Where slow begins on a host: at the 95th percentile of the history (or the median), so that every host has 5 % of slow
 * requests, whatever its hardware (health-verdict §2.6). `undefined` with too little history.
 */
export function slowCut(history: readonly TrafficBlock[], indicator: LatencyIndicator): SlowCut | undefined {
  const buckets: number[] = [];
  for (const { latency } of history) {
    latency.forEach((count, bucket) => {
      buckets[bucket] = (buckets[bucket] ?? 0) + count;
    });
  }
  const total = buckets.reduce((sum, count) => sum + (count ?? 0), 0);
  if (total < requestsMin) return undefined;
  const below = percentiles[indicator] * total;
  let seen = 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    const inBucket = buckets[bucket] ?? 0;
    if (inBucket > 0 && seen + inBucket >= below) {
      const blur = Math.min(1, inBucket / total / shareOfStep);
      return { at: bucket + Math.max(0, below - seen) / inBucket, blur };
    }
    seen += inBucket;
  }
  return { at: buckets.length, blur: 1 };
}

/**
 * Above what a request of a host is slow. The changed host gets the benefit of the doubt: when all hosts become slower by the
 * same factor, it does not cross its percentile before those it is compared with cross theirs.
 */
export const slowAbove = ({ at, blur }: SlowCut, isChanged: boolean): number => (isChanged ? at + blur : at);
