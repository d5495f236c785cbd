import { expect, test } from "vitest";
import { kayentaIsHigh } from "./kayenta-rule.ts";
import { mannWhitneyShift } from "./mann-whitney.ts";

test("the shift of 10, 20, 30, 40 against 1, 2, 3, 4 is that of Kayenta's own suite", () => {
  const { low, high, estimate } = mannWhitneyShift([10, 20, 30, 40], [1, 2, 3, 4]);
  expect([low, high]).toEqual([6, 39]);
  expect(estimate).toBeCloseTo(22.5, 6);
});

test("equal series, and series of one value, are no regression", () => {
  expect(kayentaIsHigh([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])).toBe(false);
  expect(kayentaIsHigh([0, 0, 0], [0, 0, 0])).toBe(false);
});

test("ten minutes of failures beside ten good ones are a regression", () => {
  const bad = Array.from({ length: 10 }, (_, minute) => 0.5 + minute / 100);
  const fine = Array.from({ length: 10 }, (_, minute) => minute / 1000);
  expect(kayentaIsHigh(bad, fine)).toBe(true);
  expect(kayentaIsHigh(fine, bad)).toBe(false);
});
