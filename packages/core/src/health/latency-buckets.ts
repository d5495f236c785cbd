/**
 * Upper bounds of the latency buckets in milliseconds: powers of the fourth root of two from 0.25 ms to 65 s, fixed so that
 * counts of different processes, engines and hosts add up. Neighbours differ by 19 %, fine enough to see a slowdown by half.
 */
export const latencyBoundsMs: readonly number[] = Array.from({ length: 73 }, (_, index) =>
  Number((0.25 * 2 ** (index / 4)).toPrecision(5)),
);

/** Buckets of a histogram: one for each bound, and the last for everything slower. */
export const latencyBuckets = latencyBoundsMs.length + 1;

/** Index of the first bound that is not below `ms`; {@link latencyBuckets} - 1 when there is none. */
export function latencyBucketOf(ms: number): number {
  if (ms <= 0.25) return 0;
  const guess = Math.min(latencyBoundsMs.length, Math.ceil(4 * Math.log2(ms / 0.25)));
  const below = latencyBoundsMs[guess - 1];
  if (below !== undefined && ms <= below) return guess - 1;
  const bound = latencyBoundsMs[guess];
  return bound !== undefined && ms > bound ? guess + 1 : guess;
}
