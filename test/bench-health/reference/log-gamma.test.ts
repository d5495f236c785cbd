import { expect, test } from "vitest";
import { logBeta, logGamma } from "./log-gamma.ts";

test("the gamma function of whole numbers is the factorial, that of one half the root of pi", () => {
  let logFactorial = 0;
  for (let n = 1; n <= 300; n++) {
    expect(logGamma(n)).toBeCloseTo(logFactorial, 9);
    logFactorial += Math.log(n);
  }
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 13);
});

test("the gamma function follows its recurrence and its reflection between whole numbers", () => {
  for (let x = 0.01; x < 60; x += 0.37) expect(logGamma(x + 1)).toBeCloseTo(logGamma(x) + Math.log(x), 10);
  for (const x of [0.09, 0.18, 0.4]) {
    expect(logGamma(x) + logGamma(1 - x)).toBeCloseTo(Math.log(Math.PI / Math.sin(Math.PI * x)), 12);
  }
});

test("the beta function of whole numbers is that of factorials", () => {
  expect(logBeta([3, 5])).toBeCloseTo(Math.log((2 * 24) / 5040), 12);
  expect(logBeta([1, 1, 1])).toBeCloseTo(Math.log(1 / 2), 12);
});
