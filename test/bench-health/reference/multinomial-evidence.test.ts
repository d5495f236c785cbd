import fc from "fast-check";
import { expect, test } from "vitest";
import { multinomialMarginals, multinomialPValue } from "./multinomial-evidence.ts";

const times = (factor: number, shares: readonly number[]) => shares.map((share) => factor * share);

test("savvi, inhomogeneous Poisson process: 148 and 62 events of streams due 4 to 1 have p = 0.0456 at n = 210", () => {
  const shares = [0.8, 0.2];
  expect(multinomialPValue([148, 62], shares, times(100, shares))).toBeCloseTo(0.0456, 4);
});

test("savvi, multinomial: counts 40, 129, 233 against 1 to 4 to 5 have p = 0.04845591 at n = 402", () => {
  const shares = [0.1, 0.4, 0.5];
  expect(multinomialPValue([40, 129, 233], shares, times(100, shares))).toBeCloseTo(0.04845591105969517, 10);
});

test("ssrm, unit test of time-aggregated counts: log M1 = -19.96484521, log M0 = -15.78103123", () => {
  const batches = [
    [20, 17, 9],
    [18, 21, 8],
    [4, 6, 4],
    [18, 19, 11],
  ];
  const { logMixture, logNull } = multinomialMarginals(batches, [0.4, 0.4, 0.2], [1, 1, 1]);
  expect(logMixture).toBeCloseTo(-19.96484521090386, 9);
  expect(logNull).toBeCloseTo(-15.781031228536165, 9);
  expect(Math.exp(logMixture - logNull)).toBeCloseTo(0.01524, 6);
});

test("how counts are cut into batches does not change the evidence", () => {
  const batch = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20));
  fc.assert(
    fc.property(fc.array(batch, { minLength: 1, maxLength: 6 }), (batches) => {
      const shares = [0.2, 0.3, 0.5];
      const whole = batches.reduce<number[]>((sum, counts) => sum.map((one, i) => one + (counts[i] ?? 0)), [0, 0, 0]);
      const { logMixture, logNull } = multinomialMarginals(batches, shares, [1, 2, 3]);
      expect(logNull - logMixture).toBeCloseTo(Math.log(multinomialPValue(whole, shares, [1, 2, 3])), 8);
    }),
  );
});
