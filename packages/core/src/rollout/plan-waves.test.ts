import fc from "fast-check";
import { expect, test } from "vitest";
import { planWaves } from "./plan-waves.ts";

test("sizes are cumulative and rounded up", () => {
  const sizes = [
    { kind: "hosts", count: 1 },
    { kind: "percent", percent: 50 },
    { kind: "percent", percent: 100 },
  ] as const;
  expect(planWaves(["a", "b", "c", "d", "e"], sizes)).toEqual([["a"], ["b", "c"], ["d", "e"]]);
  expect(planWaves(["a"], sizes)).toEqual([["a"]]);
  expect(planWaves([], sizes)).toEqual([]);
});

test("whatever the sizes, every host is in exactly one wave, in order, and no wave is empty", () => {
  const size = fc.oneof(
    fc.record({ kind: fc.constant("hosts" as const), count: fc.integer({ min: 0, max: 12 }) }),
    fc.record({ kind: fc.constant("percent" as const), percent: fc.integer({ min: 0, max: 100 }) }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 })), fc.array(size), (hosts, sizes) => {
      const waves = planWaves(hosts, sizes);
      expect(waves.flat()).toEqual(hosts);
      expect(waves.every((wave) => wave.length > 0)).toBe(true);
    }),
  );
});
