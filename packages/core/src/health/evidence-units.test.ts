import { expect, test } from "vitest";
import { countBlock } from "./count-block.ts";
import { dispersion, unitLength } from "./dispersion.ts";
import { mergeUnits, type Unit } from "./evidence-units.ts";
import { at, way } from "./health-builders.ts";
import { slowAbove, slowCut } from "./slow-threshold.ts";

const block = (outcomes = {}, latency: readonly number[] = []) => ({ ...way, startsAt: at(0), outcomes, latency });
const unit = (index: number, bad: number): Unit => ({ startsAt: at(index * 10), requests: 50, bad });

test("failures are what a slot answered with 5xx, and what it did not answer", () => {
  const counted = block({ ok: 90, failed: 2, unreachable: 3, refused: 4, aborted: 7, upgraded: 1 });
  expect(countBlock(counted, "failed", undefined)).toEqual({ requests: 100, bad: 5 });
  expect(countBlock(counted, "refused", undefined)).toEqual({ requests: 100, bad: 4 });
});

test("slow is what lies above the 95th percentile before, and of its bucket the part that does", () => {
  const history = Array.from({ length: 10 }, () => block({}, [0, 10, 8, 2]));
  expect(slowCut(history, "slow")).toEqual({ at: 3.5, blur: 1 });
  expect(slowCut(history, "above-median")).toEqual({ at: 2, blur: 1 });
  expect(countBlock(block({}, [0, 1, 2, 4, 3]), "slow", 3.5)).toEqual({ requests: 10, bad: 5 });
  expect(countBlock(block({}, [0, 1, 2, 4, 3]), "slow", 3)).toEqual({ requests: 10, bad: 7 });
});

test("the changed host is given as much more as a bucket may hide, which is little where requests lie in many", () => {
  const wide = Array.from({ length: 10 }, () => block({}, Array(50).fill(2)));
  const cut = slowCut(wide, "slow");
  expect(cut).toEqual({ at: 47.5, blur: expect.closeTo(0.2, 9) });
  expect([true, false].map((isChanged) => slowAbove(cut ?? { at: 0, blur: 0 }, isChanged))).toEqual([
    expect.closeTo(47.7, 9),
    47.5,
  ]);
});

test("too little history knows no slow requests, and then none count", () => {
  expect(slowCut([block({}, [199])], "slow")).toBeUndefined();
  expect(countBlock(block({}, [5, 5]), "slow", undefined)).toEqual({ requests: 0, bad: 0 });
});

test("units are merged on multiples of their length", () => {
  const start = at(0) % 30_000 === 0 ? 0 : 3 - (at(0) % 30_000) / 10_000;
  const merged = mergeUnits(
    [0, 1, 2, 3].map((index) => unit(start + index, index)),
    30_000,
  );
  expect(merged.map(({ requests, bad }) => [requests, bad])).toEqual([
    [150, 3],
    [50, 3],
  ]);
});

test("bad requests that fall evenly scatter no more than chance", () => {
  const even = Array.from({ length: 600 }, (_, index) => unit(index, index % 2));
  expect(dispersion(even)).toBeLessThan(1);
  expect(unitLength(even)).toBe(10_000);
});

test("shares that never change ask for no longer units, whatever is left of their differences by rounding", () => {
  for (const [requests, bad, length] of [
    [11, 3, 75],
    [14, 9, 60],
    [14, 9, 720],
  ] as const) {
    const same = Array.from({ length }, (_, index) => ({ startsAt: at(index * 10), requests, bad }));
    expect(unitLength(same)).toBe(10_000);
  }
});

test("bursts that last a minute ask for longer units", () => {
  const bursts = Array.from({ length: 600 }, (_, index) => unit(index, index % 60 < 6 ? 10 : 0));
  expect(dispersion(bursts)).toBeGreaterThan(5);
  expect(unitLength(bursts)).toBe(30_000);
});
