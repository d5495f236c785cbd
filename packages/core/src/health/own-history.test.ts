import fc from "fast-check";
import { expect, test } from "vitest";
import { bettingFractions } from "./betting-fractions.ts";
import {
  feedOwnHistory,
  magnificationOf,
  type OwnHistory,
  ownHistory,
  restartOwnHistory,
  unitHistoryOf,
} from "./own-history.ts";

const strict = { ratio: 1, margin: 0 };
const evidence = (of: OwnHistory): number => Math.exp(of.logEvidence);
const after = (start: OwnHistory, badShares: readonly number[], excused = 0): OwnHistory =>
  badShares.reduce((test, badShare) => feedOwnHistory(test, badShare, excused), start);

test("after 3,912 clean units, bad ones weigh 1,195, 8.1e5 and 4.6e8 : 1", () => {
  const start = ownHistory({ clean: 3912, badShares: [] }, strict);
  const [one = Number.NaN, two = Number.NaN, three = Number.NaN] = [[1], [1, 1], [1, 1, 1]].map((bad) =>
    evidence(after(start, bad)),
  );
  expect(one).toBeCloseTo(1195.5, 1);
  expect(two / 8.0907e5).toBeCloseTo(1, 4);
  expect(three / 4.5892e8).toBeCloseTo(1, 4);
});

test("after a day of clean units, bad ones weigh 2,650 and 3.9e6 : 1", () => {
  const start = ownHistory({ clean: 8640, badShares: [] }, strict);
  expect(evidence(after(start, [1]))).toBeCloseTo(2650, -1);
  expect(evidence(after(start, [1, 1])) / 3.9e6).toBeCloseTo(1, 1);
});

test("failures of a probe weigh as the table of probes says", () => {
  const table: readonly (readonly [number, readonly number[], readonly string[]])[] = [
    [30, [], ["10.7", "64", "303", "1410"]],
    [120, [], ["37.6", "813", "13900", "220000"]],
    [360, [], ["110", "7190", "360000", "15000000"]],
    [356, [1, 1, 1, 1], ["19.5", "459", "10100", "240000"]],
  ];
  for (const [clean, badShares, printed] of table) {
    const start = ownHistory({ clean, badShares }, strict);
    const found = [1, 2, 3, 4].map((failures) => evidence(after(start, Array(failures).fill(1))));
    expect(
      found.map((value, i) => Number(value.toPrecision((printed[i] ?? "").replace(/0+$|\./g, "").length))),
    ).toEqual(printed.map(Number));
  }
});

test("a unit is expected to gain nothing for any stake when its rate is a tolerated one", () => {
  const { oldRates } = ownHistory({ clean: 100, badShares: [0.5] }, strict);
  const one = feedOwnHistory(ownHistory({ clean: 100, badShares: [0.5] }, strict), 1);
  oldRates.forEach((rate, i) => {
    bettingFractions.forEach((stake, j) => {
      const ofBad = Math.exp(one.logBets?.[i * bettingFractions.length + j] ?? 0);
      expect(rate * ofBad + (1 - rate) * (1 - stake)).toBeCloseTo(1, 9);
    });
  });
});

test("a unit of many requests is expected to gain nothing either, whatever rate is the tolerated one", () => {
  const start = ownHistory({ clean: 40, badShares: [0.25] }, strict);
  const fed = [0, 1, 2, 3, 4].map((bad) => feedOwnHistory(start, bad / 4));
  const betOf = (bad: number, i: number, j: number) =>
    bad === 0 ? 1 - (bettingFractions[j] ?? 0) : Math.exp(fed[bad]?.logBets?.[i * bettingFractions.length + j] ?? 0);
  start.oldRates.forEach((rate, i) => {
    const chances = [1, 4, 6, 4, 1].map((ways, bad) => ways * rate ** bad * (1 - rate) ** (4 - bad));
    bettingFractions.forEach((_, j) => {
      expect(chances.reduce((sum, chance, bad) => sum + chance * betOf(bad, i, j), 0)).toBeCloseTo(1, 9);
    });
  });
});

test("where the rate did not change, all pasts and all presents together are expected to weigh 1 : 1 at most", () => {
  for (const rate of [0.001, 0.01, 0.03, 0.1, 0.3, 0.5, 0.8]) {
    expect(expectedEvidence(rate), `at ${rate}`).toBeLessThanOrEqual(1);
  }
});

/** Over all numbers of bad units among thirty before and eight after the change, bad with the same chance; order does not matter. */
function expectedEvidence(rate: number): number {
  const [before, since] = [30, 8];
  let expected = 0;
  for (let bad = 0; bad <= before; bad++) {
    const start = ownHistory({ clean: before - bad, badShares: Array(bad).fill(1) }, strict);
    for (let now = 0; now <= since; now++) {
      const ways = choose(before, bad) * choose(since, now);
      const chance = ways * rate ** (bad + now) * (1 - rate) ** (before + since - bad - now);
      expected += chance * evidence(after(start, [...Array(now).fill(1), ...Array(since - now).fill(0)]));
    }
  }
  return expected;
}

test("a short history of many requests tells that a twentieth was not bad, which thirty clean units alone do not", () => {
  const units = Array.from({ length: 30 }, () => ({ requests: 50, bad: 0 }));
  const history = unitHistoryOf(units);
  expect(history.magnified).toBe(24);
  const since = Array(12).fill(0.05);
  expect(evidence(after(ownHistory(history, strict), since))).toBeGreaterThan(10_000);
  expect(evidence(after(ownHistory({ ...history, magnified: 1 }, strict), since))).toBeLessThan(10);
});

test("a history of two hours, probes, and units of few requests are not magnified", () => {
  const units = (length: number, requests: number) => Array.from({ length }, () => ({ requests, bad: 0 }));
  expect([units(720, 50), units(30, 1), units(60, 2)].map(magnificationOf)).toEqual([1, 1, 1]);
  expect(magnificationOf([...units(10, 1), ...units(50, 50)])).toBe(1);
});

test("magnified, all pasts and all presents together are expected to weigh 1 : 1 at most where the rate did not change", () => {
  for (const rate of [0.02, 0.1, 0.3]) expect(expectedMagnified(rate), `at ${rate}`).toBeLessThanOrEqual(1);
});

/** Over all pasts of twelve and all presents of four units of four requests, of which two count as much as all. */
function expectedMagnified(rate: number): number {
  const good = 1 - rate;
  const chances = [good ** 4, 4 * rate * good ** 3, 1 - good ** 4 - 4 * rate * good ** 3];
  const ways = (units: number) =>
    range(units).flatMap((none) =>
      range(units - none).map((half) => {
        const all = units - none - half;
        const [a = 0, b = 0, c = 0] = chances;
        const chance = choose(units, none) * choose(units - none, half) * a ** none * b ** half * c ** all;
        return { none, bad: [...Array(half).fill(0.25), ...Array(all).fill(0.5)], chance };
      }),
    );
  let expected = 0;
  for (const past of ways(12)) {
    const start = ownHistory({ clean: past.none, badShares: past.bad, magnified: 2 }, strict);
    for (const now of ways(4)) {
      expected += past.chance * now.chance * evidence(after(start, [...now.bad, ...Array(now.none).fill(0)]));
    }
  }
  return expected;
}

const range = (until: number) => Array.from({ length: until + 1 }, (_, index) => index);

function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 0; i < k; i++) product = (product * (n - i)) / (i + 1);
  return product;
}

const share = fc.double({ min: 0, max: 1, noNaN: true });

test("a clean unit never raises the evidence, a worse one never lowers it", () => {
  fc.assert(
    fc.property(fc.array(share, { maxLength: 12 }), fc.nat(500), share, share, (bad, clean, one, other) => {
      const before = after(ownHistory({ clean, badShares: [0.2] }, { ratio: 1.25, margin: 0.001 }), bad);
      const [low, high] = [Math.min(one, other), Math.max(one, other)].map(
        (x) => feedOwnHistory(before, x).logEvidence,
      );
      expect(feedOwnHistory(before, 0).logEvidence).toBeLessThanOrEqual(before.logEvidence + 1e-12);
      expect(low).toBeLessThanOrEqual((high ?? 0) + 1e-9);
    }),
    { numRuns: 50 },
  );
});

test("the order of units does not matter", () => {
  fc.assert(
    fc.property(fc.array(share, { maxLength: 12 }), (bad) => {
      const start = ownHistory({ clean: 60, badShares: [] }, strict);
      expect(after(start, bad.toReversed()).logEvidence).toBeCloseTo(after(start, bad).logEvidence, 9);
    }),
    { numRuns: 50 },
  );
});

test("a tolerance lowers the evidence", () => {
  const of = (ratio: number, margin: number) =>
    evidence(after(ownHistory({ clean: 400, badShares: [] }, { ratio, margin }), [0.01, 0.02, 0.01]));
  expect(of(1.25, 0.001)).toBeLessThan(of(1, 0));
});

test("what is excused weighs nothing, and never raises the evidence", () => {
  const start = ownHistory({ clean: 400, badShares: [] }, strict);
  expect(evidence(after(start, [1, 1, 1]))).toBeGreaterThan(1e5);
  expect(evidence(after(start, [1, 1, 1], 1))).toBeLessThanOrEqual(1);
  fc.assert(
    fc.property(fc.array(share, { maxLength: 12 }), share, (bad, excused) => {
      expect(after(start, bad, excused).logEvidence).toBeLessThanOrEqual(after(start, bad).logEvidence + 1e-12);
    }),
    { numRuns: 50 },
  );
});

test("a test that is restarted keeps what it had won up to a limit, and wins no more from the next units than a new one", () => {
  const won = after(ownHistory({ clean: 400, badShares: [] }, strict), [1, 1, 1]);
  expect(evidence(restartOwnHistory(won, Number.POSITIVE_INFINITY))).toBeCloseTo(evidence(won), 6);
  const limited = restartOwnHistory(won, Math.log(0.5));
  expect(evidence(limited)).toBeLessThanOrEqual(0.5);
  const fresh = ownHistory({ clean: 400, badShares: [] }, strict);
  expect(evidence(after(limited, [1, 1]))).toBeCloseTo(0.5 * evidence(after(fresh, [1, 1])), 6);
});
