import { expect, test } from "vitest";
import type { Unit } from "./evidence-units.ts";
import { at } from "./health-builders.ts";
import { pairUnits } from "./pair-units.ts";

const unit = (second: number, requests: number, bad = 0): Unit => ({ startsAt: at(second), requests, bad });

test("units of the same time lie beside each other in order of time, whoever counted at that time", () => {
  const own = [unit(0, 5), unit(20, 6, 1)];
  const others = [
    [unit(0, 1), unit(10, 2), unit(20, 3)],
    [unit(20, 4, 2), unit(30, 1)],
  ];
  const pairs = pairUnits(own, others).map(({ startsAt, changed, others: sum, hosts }) => [
    (startsAt - at(0)) / 1000,
    [changed.requests, changed.bad],
    [sum.requests, sum.bad],
    hosts,
  ]);
  expect(pairs).toEqual([
    [0, [5, 0], [1, 0], 1],
    [10, [0, 0], [2, 0], 1],
    [20, [6, 1], [7, 2], 2],
    [30, [0, 0], [1, 0], 1],
  ]);
});

test("a host alone is paired with nobody, and nothing with nothing", () => {
  expect(pairUnits([unit(0, 5)], [])).toEqual([
    { startsAt: at(0), changed: unit(0, 5), others: { requests: 0, bad: 0 }, hosts: 0 },
  ]);
  expect(pairUnits([], [[], []])).toEqual([]);
});
