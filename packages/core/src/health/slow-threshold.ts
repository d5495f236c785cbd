import type { TrafficBlock } from "./traffic-block.ts";

/** Fewer requests leave a 95th percentile to chance. */
const requestsMin = 200;

/**
 * The latency bucket above which a request is slow: the one that holds the 95th percentile of the history, so that every host
 * has 5 % of slow requests at most, whatever its hardware (health-verdict §2.6). `undefined` with too little history.
 */
export function slowThreshold(history: readonly TrafficBlock[]): number | undefined {
  const buckets: number[] = [];
  for (const { latency } of history) {
    latency.forEach((count, bucket) => {
      buckets[bucket] = (buckets[bucket] ?? 0) + count;
    });
  }
  const total = buckets.reduce((sum, count) => sum + (count ?? 0), 0);
  if (total < requestsMin) return undefined;
  let seen = 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    seen += buckets[bucket] ?? 0;
    if (seen >= 0.95 * total) return bucket;
  }
  return buckets.length - 1;
}
