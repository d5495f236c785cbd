import { expect, test } from "vitest";
import { blindness, sightOf } from "./blindness.ts";

const fleet = (connected: number, silent: number) => [
  ...Array.from({ length: connected }, (_, at) => ({ host: `up-${at + 1}`, connected: true })),
  ...Array.from({ length: silent }, (_, at) => ({ host: `off-${at + 1}`, connected: false })),
];
const isBlind = (...[known, ...away]: [ReturnType<typeof fleet>, ...string[]]): boolean =>
  blindness({ fleet: sightOf(known, new Set(away)) }) !== undefined;

test("more than three of ten hosts silent at once is blindness", () => {
  expect(isBlind(fleet(7, 3))).toBe(false);
  expect(isBlind(fleet(6, 4))).toBe(true);
});

test("hosts that are away on purpose make nobody blind, however many are switched off", () => {
  expect(isBlind(fleet(1, 4), "off-1", "off-2", "off-3", "off-4")).toBe(false);
  expect(isBlind(fleet(7, 4), "off-1")).toBe(false);
});

test("silent hosts that nobody sent away are judged by what is left of the fleet", () => {
  expect(sightOf(fleet(4, 4), new Set(["off-1", "off-2"]))).toEqual({ hosts: 6, silent: 2 });
  expect(isBlind(fleet(4, 4), "off-1", "off-2")).toBe(true);
});

test("a host that was drained and still speaks is seen", () => {
  expect(sightOf(fleet(3, 0), new Set(["up-1"]))).toEqual({ hosts: 3, silent: 0 });
});
