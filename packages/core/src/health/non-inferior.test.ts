import { expect, test } from "vitest";
import { excludedRate, logNonInferior, requestsToExclude } from "./non-inferior.ts";

const evidence = (requests: number, bad: number, rate: number): number =>
  Math.exp(logNonInferior({ requests, bad }, rate));

test("300 good requests weigh 14 : 1 against one bad in a hundred; one bad among 400 leaves 2.4", () => {
  expect(evidence(300, 0, 0.01)).toBeCloseTo(14.0911, 4);
  expect(evidence(400, 1, 0.01)).toBeCloseTo(2.37259, 5);
});

test("good requests needed to exclude an increase are those of the table", () => {
  const increases = [0.5, 0.2, 0.1, 0.05, 0.01, 0.005, 0.001];
  const needed = (bar: number) =>
    increases.map((rate) => {
      let requests = 0;
      while (evidence(requests, 0, rate) < bar) requests++;
      return requests;
    });
  expect(needed(20)).toEqual([5, 16, 33, 67, 338, 678, 3395]);
  expect(needed(40)).toEqual([6, 19, 40, 81, 413, 827, 4141]);
  expect(needed(100)).toEqual([8, 23, 49, 100, 509, 1021, 5114]);
});

test("a request is expected to weigh nothing where the rate is exactly the one to exclude", () => {
  for (const rate of [0.001, 0.01, 0.3]) {
    expect(rate * evidence(1, 1, rate) + (1 - rate) * evidence(1, 0, rate)).toBeCloseTo(1, 12);
  }
});

test("no requests exclude nothing, and good ones ever smaller increases", () => {
  expect(excludedRate({ requests: 0, bad: 0 }, Math.log(40))).toBe(1);
  expect(excludedRate({ requests: 5, bad: 0 }, Math.log(40))).toBeGreaterThan(0.5);
  expect(excludedRate({ requests: 6, bad: 0 }, Math.log(40))).toBeLessThanOrEqual(0.5);
  expect(excludedRate({ requests: 413, bad: 0 }, Math.log(40))).toBeLessThanOrEqual(0.01);
});

test("the requests it takes grow as the base rate nears the rate to exclude", () => {
  const takes = [0, 0.001, 0.005, 0.009].map((share) => requestsToExclude(0.01, share, Math.log(40)));
  expect(takes[0]).toBeLessThan(470);
  expect(takes).toEqual(takes.toSorted((a, b) => a - b));
  expect(requestsToExclude(0.01, 0.01, Math.log(40))).toBe(Number.POSITIVE_INFINITY);
});
