import { expect, test } from "vitest";
import { klLower } from "./kl-lower.ts";

test("100 bad of 10,000 leave the rate above 0.75 %", () => {
  expect(klLower(10_000, 100, 0.025)).toBeCloseTo(0.0075333, 8);
});

test("without bad requests the rate may be nothing at all", () => {
  expect(klLower(10_000, 0, 0.025)).toBe(0);
});

test("all bad bounds the rate below one", () => {
  expect(klLower(30, 30, 0.025)).toBeCloseTo(0.025 ** (1 / 30), 6);
});
