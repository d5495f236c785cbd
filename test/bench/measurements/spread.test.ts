import { expect, test } from "vitest";
import { percentileOf, spreadOf } from "./spread.ts";

test("the median of an odd number of rounds is the middle one, whatever their order", () => {
  expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9, rounds: 3 });
});

test("the median of an even number of rounds lies between the middle two", () => {
  expect(spreadOf([4, 1, 2, 100])).toEqual({ median: 3, min: 1, max: 100, rounds: 4 });
});

test("no rounds have no spread, and a value that is no number is no round", () => {
  expect(spreadOf([])).toBeUndefined();
  expect(spreadOf([Number.NaN, Number.POSITIVE_INFINITY])).toBeUndefined();
  expect(spreadOf([Number.NaN, 7])).toEqual({ median: 7, min: 7, max: 7, rounds: 1 });
});

test("a percentile lies between its two nearest values", () => {
  expect(percentileOf([0, 10], 0.99)).toBeCloseTo(9.9);
  expect(percentileOf([1, 2, 3], 1)).toBe(3);
});
