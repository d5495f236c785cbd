import { expect, test } from "vitest";
import { latencyBoundsMs, latencyBucketOf, latencyBuckets } from "./latency-buckets.ts";

test("a latency is in the first bucket whose bound is not below it", () => {
  for (let ms = 0; ms < 70_000; ms = ms * 1.01 + 0.01) {
    const first = latencyBoundsMs.findIndex((bound) => ms <= bound);
    expect(latencyBucketOf(ms)).toBe(first === -1 ? latencyBuckets - 1 : first);
  }
});

test("a bound belongs to its own bucket, and what is slower than all of them to the last one", () => {
  for (const [index, bound] of latencyBoundsMs.entries()) expect(latencyBucketOf(bound)).toBe(index);
  expect(latencyBucketOf(Number.POSITIVE_INFINITY)).toBe(latencyBuckets - 1);
});
