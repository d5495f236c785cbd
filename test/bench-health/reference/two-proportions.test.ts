import { expect, test } from "vitest";
import { twoProportionsEvidence } from "./two-proportions.ts";

/**
 * Successes by block as the vignette makes them: R's `set.seed(692021)`, then `rbinom(79, 2, 0.2)` and `rbinom(79, 1, 0.5)`,
 * replayed by the algorithms of R 4 (Mersenne Twister, inversion).
 */
const ya = "0100011100000020101122010111011020012111001010000000001000101102000101100000000";
const yb = "1110110110101110010000101110001001001100001100001110010000000110100111110111000";
const blocks = Array.from(ya, (one, index): [number, number] => [Number(one), Number(yb[index])]);

const a = { perBlock: 2, prior: [0.18, 0.18] } as const;
const b = { perBlock: 1, prior: [0.09, 0.09] } as const;

test("safestats 0.8.7, contingency tables, unbalanced design: 79 blocks of 2 and 1 have the e-value 1.8097", () => {
  expect(blocks).toHaveLength(79);
  expect(twoProportionsEvidence(blocks, a, b)).toBeCloseTo(1.8097, 4);
});

test("a block is expected to weigh nothing where both groups have the same rate, whatever was seen before", () => {
  const before = blocks.slice(0, 20);
  const rate = 0.3;
  let expected = 0;
  for (const [na, chanceA] of [(1 - rate) ** 2, 2 * rate * (1 - rate), rate ** 2].entries()) {
    for (const [nb, chanceB] of [1 - rate, rate].entries()) {
      expected += chanceA * chanceB * twoProportionsEvidence([...before, [na, nb]], a, b);
    }
  }
  expect(expected / twoProportionsEvidence(before, a, b)).toBeLessThanOrEqual(1 + 1e-12);
});
