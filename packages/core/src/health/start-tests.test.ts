import { expect, test } from "vitest";
import { probeStratum, scene, started, trafficStrata } from "./health-builders.ts";
import { defaultHealthSettings, falseHaltOf, settingsAt } from "./health-settings.ts";
import { lateWeight, startTests, testKey } from "./start-tests.ts";
import { testHost } from "./test-host.ts";
import { stratumKey } from "./tested-stratum.ts";

const strata = [...trafficStrata, probeStratum];
const planned = (host: string, changes = true) => ({ host, environment: "production", changes, strata });
const usual = { production: { shop: defaultHealthSettings } };
const sum = (weights: Readonly<Record<string, number>>) =>
  Object.values(weights).reduce((total, one) => total + one, 0);

test("planned strata of all hosts that change share nine tenths of the weight, breakage four times as much as the rest", () => {
  const { weights } = startTests({
    settings: usual,
    hosts: [planned("web-1"), planned("web-2"), planned("web-3", false)],
  });
  expect(sum(weights)).toBeCloseTo(0.9, 12);
  expect(Object.keys(weights)).toHaveLength(2 * strata.length);
  const weightOf = (indicator: string) =>
    weights[testKey("web-1", strata.find((one) => one.indicator === indicator) ?? probeStratum)] ?? 0;
  expect(weightOf("refused") / weightOf("not-found")).toBeCloseTo(4, 12);
  expect(weightOf("unexpected")).toBe(weightOf("failed"));
});

test("however many strata appear during a rollout, all weights together stay below one", () => {
  let late = 0;
  for (let number = 1; number <= 100_000; number++) late += lateWeight(number);
  expect(late).toBeLessThan(0.1);
  expect(late).toBeGreaterThan(0.0999);
});

test("a binding that the rollout brings is tested with the weight of a late one", () => {
  const brought = { ...probeStratum, binding: "new.com" };
  const { history } = { history: { traffic: [], probes: [] } };
  const before = startTests({ settings: usual, hosts: [planned("web-1")] });
  const state = testHost(before, { host: "web-1", since: 1 as never, added: [brought, probeStratum], history });
  expect(state.lateStrata).toBe(1);
  expect(state.weights[testKey("web-1", brought)]).toBeCloseTo(lateWeight(1), 12);
  expect(sum(state.weights)).toBeLessThanOrEqual(1);
});

test("the strictest wish of all sites and environments holds for the false halts of the whole rollout", () => {
  const strict = { ...defaultHealthSettings, falseHalt: 0.001 };
  const places = {
    acceptance: { shop: defaultHealthSettings },
    production: { shop: defaultHealthSettings, blog: strict },
  };
  expect(falseHaltOf(places)).toBe(0.001);
  expect(settingsAt(places, "production", "blog")).toBe(strict);
  expect(() => settingsAt(places, "acceptance", "blog")).toThrow("no health settings of site blog in acceptance");
});

test("strata that are ignored have neither weight nor test", () => {
  const settings = { ...defaultHealthSettings, ignored: [{ source: "traffic" as const }] };
  const state = started(scene({ settings }));
  expect(Object.values(state.tests).map((one) => stratumKey(one.stratum))).toEqual([stratumKey(probeStratum)]);
  expect(Object.keys(state.weights)).toHaveLength(4);
});
