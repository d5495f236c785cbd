import fc from "fast-check";
import { expect, test } from "vitest";
import { bettingFractions } from "./betting-fractions.ts";
import { feedSameTime, logSameTime, type SameTime, sameTime } from "./same-time.ts";

const tally = (requests: number, bad: number) => ({ requests, bad });
const evidence = (of: SameTime): number => Math.exp(logSameTime(of));

test("nine failures beside three hosts that are fine weigh 22,354 : 1", () => {
  const printed = [2.0733, 5.1797, 14.808, 46.103, 151.24, 512.91, 1778.8, 6268.5, 22354];
  let state = sameTime(1);
  for (const value of printed) {
    state = feedSameTime(state, tally(1, 1), tally(3, 0), 3);
    expect(evidence(state)).toBeCloseTo(
      value,
      value < 10 ? 4 : value < 100 ? 3 : value < 1000 ? 2 : value < 1e4 ? 1 : 0,
    );
  }
});

test("one burst on one host weighs no more than one event among four hosts, however many requests the others had", () => {
  expect(evidence(feedSameTime(sameTime(1), tally(4, 4), tally(1200, 0), 3))).toBeCloseTo(2.0733, 4);
});

test("a unit is expected to gain nothing for any stake when bad requests fall on all hosts alike", () => {
  const sizes = fc.record({ changed: fc.integer({ min: 1, max: 6 }), others: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 4 }), (size, badMax, hosts) => {
      const bad = Math.min(badMax, size.changed + size.others);
      const expected = bettingFractions.map(() => 0);
      for (let here = Math.max(0, bad - size.others); here <= Math.min(bad, size.changed); here++) {
        const after = feedSameTime(sameTime(1), tally(size.changed, here), tally(size.others, bad - here), hosts);
        const chance =
          (choose(size.changed, here) * choose(size.others, bad - here)) / choose(size.changed + size.others, bad);
        bettingFractions.forEach((_, j) => {
          expected[j] = (expected[j] ?? 0) + chance * Math.exp(after.logBets?.[j] ?? 0);
        });
      }
      for (const value of expected) expect(value).toBeLessThanOrEqual(1 + 1e-12);
      if (hosts + 1 >= (size.changed + size.others) / size.changed)
        for (const value of expected) expect(value).toBeCloseTo(1, 10);
    }),
  );
});

test("what is bad everywhere, or nowhere, says nothing", () => {
  for (const [changed, others] of [
    [tally(5, 5), tally(9, 9)],
    [tally(5, 0), tally(9, 0)],
  ] as const) {
    expect(feedSameTime(sameTime(1), changed, others, 3)).toEqual(sameTime(1));
  }
});

test("a host without requests waits for some before it is compared", () => {
  const waiting = feedSameTime(sameTime(1), tally(0, 0), tally(3, 0), 3);
  expect(evidence(waiting)).toBe(1);
  expect(evidence(feedSameTime(waiting, tally(1, 1), tally(0, 0), 0))).toBeCloseTo(2.0733, 4);
});

test("a clean unit of the changed host never raises the evidence where both sides have requests", () => {
  const unit = fc.record({ requests: fc.integer({ min: 1, max: 30 }), bad: fc.nat(5), others: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 20 }), fc.nat(9), (units, elsewhere) => {
      const before = units.reduce(
        (state, one) =>
          feedSameTime(state, tally(one.requests, Math.min(one.bad, one.requests)), tally(20, one.others), 3),
        sameTime(1.25),
      );
      const after = feedSameTime(before, tally(7, 0), tally(20, elsewhere), 3);
      expect(logSameTime(after)).toBeLessThanOrEqual(logSameTime(before) + 1e-12);
    }),
  );
});

test("a clean unit of the changed host alone never raises the evidence, wherever it stands among units of both sides", () => {
  const side = fc.record({ requests: fc.integer({ min: 1, max: 5 }), bad: fc.nat(5) });
  const unit = fc.record({ changed: side, others: side });
  fc.assert(
    fc.property(
      fc.array(unit, { maxLength: 12 }),
      fc.nat(12),
      fc.integer({ min: 1, max: 9 }),
      (units, at, requests) => {
        const pairs = units.map(({ changed, others }) => [changed, others].map(atMostAll));
        const place = Math.min(at, pairs.length);
        const more = [...pairs.slice(0, place), [tally(requests, 0), tally(0, 0)], ...pairs.slice(place), last];
        expect(logOf(more)).toBeLessThanOrEqual(logOf([...pairs, last]) + 1e-9);
      },
    ),
  );
});

const last = [tally(3, 1), tally(9, 1)];
const atMostAll = ({ requests, bad }: { requests: number; bad: number }) => tally(requests, Math.min(bad, requests));
const logOf = (pairs: readonly (readonly ReturnType<typeof tally>[])[]): number =>
  logSameTime(
    pairs.reduce((state, [a = tally(0, 0), b = tally(0, 0)]) => feedSameTime(state, a, b, 3), sameTime(1.25)),
  );

test("the order of equal units does not matter", () => {
  const unit = fc.record({ bad: fc.nat(4), others: fc.nat(12) });
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 15 }), (units) => {
      const fed = (list: typeof units) =>
        logSameTime(
          list.reduce((state, one) => feedSameTime(state, tally(4, one.bad), tally(12, one.others), 3), sameTime(1)),
        );
      expect(fed(units.toReversed())).toBeCloseTo(fed(units), 9);
    }),
  );
});

function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 0; i < k; i++) product = (product * (n - i)) / (i + 1);
  return product;
}
