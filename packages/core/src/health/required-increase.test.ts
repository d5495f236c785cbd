import { expect, test } from "vitest";
import { probeStratum, trafficStrata } from "./health-builders.ts";
import { defaultHealthSettings } from "./health-settings.ts";
import { type IncreaseQuestion, requiredIncrease } from "./required-increase.ts";

const [failed = probeStratum] = trafficStrata;
const question = (perMinute: number, more: Partial<IncreaseQuestion> = {}): IncreaseQuestion => ({
  settings: defaultHealthSettings,
  stratum: failed,
  before: { requests: perMinute * 1440, bad: 0, requestsPerSecond: perMinute / 60 },
  dispersion: 1,
  probed: true,
  ...more,
});

test("the more traffic, the smaller an increase has to be ruled out", () => {
  expect([60, 32, 27, 6].map((perMinute) => requiredIncrease(question(perMinute)))).toEqual([0.01, 0.01, 0.05, 0.05]);
});

test("fewer than 81 requests while waiting leave it to the probes, if there are any", () => {
  expect(requiredIncrease(question(5))).toBeUndefined();
  expect(requiredIncrease(question(5, { probed: false }))).toBe(0.1);
  expect(requiredIncrease(question(1, { probed: false }))).toBe(0.5);
  expect(requiredIncrease(question(0, { probed: false }))).toBe(0.5);
  const settings = { ...defaultHealthSettings, ruleOut: 0.1 };
  expect(requiredIncrease(question(5, { settings }))).toBeUndefined();
});

test("an increase smaller than the share that is bad anyway is not asked for", () => {
  const before = { requests: 100_000, bad: 2000, requestsPerSecond: 50 };
  expect(requiredIncrease(question(0, { before }))).toBe(0.05);
});

test("bursts make requests count less", () => {
  expect(requiredIncrease(question(32, { dispersion: 3 }))).toBe(0.05);
});

test("a setting decides for traffic, and what is not required has to rule out nothing", () => {
  const settings = { ...defaultHealthSettings, ruleOut: 0.002 };
  expect(requiredIncrease(question(6, { settings }))).toBe(0.002);
  expect(requiredIncrease(question(0, { settings, probed: false }))).toBe(0.002);
  const notFound = trafficStrata.find(({ indicator }) => indicator === "not-found") ?? failed;
  expect(requiredIncrease(question(60, { stratum: notFound }))).toBeUndefined();
  expect(requiredIncrease(question(60, { stratum: probeStratum }))).toBe(0.5);
});
