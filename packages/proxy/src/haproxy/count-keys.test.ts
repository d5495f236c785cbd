import { latencyBoundsMs, latencyBucketOf, latencyBuckets } from "@sluice/core/health/latency-buckets";
import { outcomeOf, outcomes } from "@sluice/core/health/outcome";
import { expect, test } from "vitest";
import {
  countBase,
  countBaseWithPort,
  latencyMap,
  outcomeMap,
  parseCountKey,
  probeStep,
  slowestBucket,
} from "./count-keys.ts";

interface Range {
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

/** As HAProxy reads a map of integers: the first line that holds the number. */
function rangesOf(map: string): readonly Range[] {
  return map
    .trim()
    .split("\n")
    .map((line) => {
      const [, from = "", to = "", value = ""] = /^(\d*):(\d+) (\d+)$/.exec(line) ?? [];
      return { from: from === "" ? Number.NEGATIVE_INFINITY : Number(from), to: Number(to), value: Number(value) };
    });
}

const lookUp = (ranges: readonly Range[], at: number): number | undefined =>
  ranges.find(({ from, to }) => at >= from && at <= to)?.value;

test("a status is counted as the outcome that the embedded engine counts it as, whatever a slot says", () => {
  const ranges = rangesOf(outcomeMap());
  for (let status = 100; status < 1000; status++) {
    const key = countBase(3) + (lookUp(ranges, status) ?? 0);
    expect([status, parseCountKey(key)?.outcome]).toEqual([status, outcomeOf(status)]);
  }
});

test("a time falls into the bucket that the embedded engine puts it into, to the microsecond", () => {
  const ranges = rangesOf(latencyMap());
  const times = latencyBoundsMs.flatMap((bound) => [Math.floor(bound * 1000), Math.floor(bound * 1000) + 1]);
  for (const us of [0, 1, ...times]) {
    expect([us, lookUp(ranges, us) ?? slowestBucket]).toEqual([us, latencyBucketOf(us / 1000)]);
  }
  expect(lookUp(ranges, -5000), "a clock that was set back").toBe(0);
});

test("a key is read as it was made, with the port of the Host or without", () => {
  for (const binding of [0, 1, 999]) {
    for (const [at, outcome] of outcomes.entries()) {
      const inside = at * 128 + (latencyBuckets - 1);
      const expected = { binding, outcome, bucket: latencyBuckets - 1 };
      expect(parseCountKey(countBase(binding) + inside)).toEqual({ ...expected, kind: "users" });
      expect(parseCountKey(countBaseWithPort(binding) + inside)).toEqual({ ...expected, kind: "users" });
      expect(parseCountKey(countBase(binding) + probeStep + inside)).toEqual({ ...expected, kind: "probes" });
    }
  }
  expect(parseCountKey(127)).toBeUndefined();
  expect(parseCountKey(-1)).toBeUndefined();
});
