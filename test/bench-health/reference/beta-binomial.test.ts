import { expect, test } from "vitest";
import { betaBinomialBound, logBetaBinomial, rateInterval } from "./beta-binomial.ts";

/** The printed bounds are cut, not rounded; confseq compares its own with 1e-5. */
const digits = 5;

const walk = { varianceDue: 100, down: 0.2, up: 0.8, alphaDue: 0.05 };

test("confseq, two-sided beta-binomial mixture: -0.6941012 at s = 10, v = 100, and the bound of 5 % is 31.4308", () => {
  expect(logBetaBinomial(walk, 10, 100)).toBeCloseTo(-0.6941012, 6);
  expect(betaBinomialBound(walk, 100, 0.05)).toBeCloseTo(31.4308, 4);
});

test("confseq, interval of a Bernoulli rate: 700 of 1000 leave 0.651629 to 0.745949", () => {
  const [low, high] = rateInterval(700, 1000, 0.05, 100);
  expect(low).toBeCloseTo(0.651629, digits);
  expect(high).toBeCloseTo(0.745949, digits);
});

test("confseq, interval of a Bernoulli rate: 5 of 50 leave 0.269264 at most, 1 of 50 0.13489", () => {
  expect(rateInterval(5, 50, 0.05, 50)[1]).toBeCloseTo(0.269264, digits);
  expect(rateInterval(1, 50, 0.05, 50)[1]).toBeCloseTo(0.13489, digits);
});

test("nothing and everything leave one side open", () => {
  expect(rateInterval(0, 50, 0.05, 50)[0]).toBe(0);
  expect(rateInterval(50, 50, 0.05, 50)[1]).toBe(1);
});

test("a step of a fair walk is expected to weigh nothing, wherever it is", () => {
  const perStep = walk.down * walk.up;
  for (const [s, v] of [
    [0, 0],
    [3, 16],
    [-1, 8],
  ] as const) {
    const after = (step: number) => Math.exp(logBetaBinomial(walk, s + step, v + perStep));
    const expected = walk.down * after(walk.up) + walk.up * after(-walk.down);
    expect(expected).toBeCloseTo(Math.exp(logBetaBinomial(walk, s, v)), 10);
  }
});
