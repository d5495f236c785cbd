import { expect, test } from "vitest";
import { minutes } from "../units/time.ts";
import { at } from "./health-builders.ts";
import type { PairedUnit } from "./pair-units.ts";
import { isUnreliable } from "./placebo.ts";

const day = 8640;
const nobody = { requests: 0, bad: 0 };

const units = (badOf: (block: number) => number, others = nobody): readonly PairedUnit[] =>
  Array.from({ length: day }, (_, block) => ({
    startsAt: at((block - day) * 10),
    changed: { requests: 50, bad: badOf(block) },
    others,
    hosts: others.requests > 0 ? 3 : 0,
  }));

const judge = (list: readonly PairedUnit[], compared = false): boolean =>
  isUnreliable({ units: list, tolerance: { ratio: 1.25, margin: 0.001 }, compared, runMs: minutes(15) });

const everyHour = (block: number): number => (block % 360 < 60 ? 30 : 0);

test("a host alone that fails for ten minutes of every hour may hold only", () => {
  expect(judge(units(everyHour))).toBe(true);
});

test("errors that are there all day leave the test as it is", () => {
  expect(judge(units((block) => (block % 7 === 0 ? 1 : 0)))).toBe(false);
  expect(judge(units(() => 0))).toBe(false);
});

test("an hourly failure of all hosts alike leaves the test as it is, since they are compared", () => {
  const shared = units(everyHour).map((unit) => ({
    ...unit,
    others: { requests: 150, bad: unit.changed.bad * 3 },
    hosts: 3,
  }));
  expect(judge(shared, true)).toBe(false);
});

test("a past of an hour says too little", () => {
  expect(judge(units(everyHour).slice(-100))).toBe(false);
});
