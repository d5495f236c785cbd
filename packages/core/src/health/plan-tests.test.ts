import { expect, test } from "vitest";
import type { ProbedBinding, SiteDuties } from "../intent/intent.ts";
import { rollout, stage } from "../rollout/rollout-builders.ts";
import { minutes, seconds } from "../units/time.ts";
import { defaultHealthSettings } from "./health-settings.ts";
import { planTests, strataOf } from "./plan-tests.ts";

const binding: ProbedBinding = {
  name: "shop.internal",
  kind: "internal",
  bindingPort: 80,
  address: "127.0.0.1",
  port: 80,
  tls: false,
  shared: false,
};

const duties = (site: string, bindings: readonly ProbedBinding[] = [binding]): SiteDuties => ({
  site,
  forward: { host: "preserve" },
  drainMs: seconds(30),
  keepPreviousMs: minutes(30),
  probeEveryMs: seconds(10),
  probeToken: "t",
  probes: [{ method: "GET", path: "/", expect: [200] }] as unknown as SiteDuties["probes"],
  bindings,
});

const hopsOf = (one: ProbedBinding, source: "probe" | "traffic") => [
  ...new Set(strataOf(duties("shop", [one])).flatMap((stratum) => (stratum.source === source ? [stratum.hop] : []))),
];

test("a binding is probed on every hop there is, and its users are counted where requests come by", () => {
  expect(hopsOf(binding, "probe")).toEqual(["slot", "proxy"]);
  expect(hopsOf(binding, "traffic")).toEqual(["proxy"]);
  expect(hopsOf({ ...binding, shared: true }, "probe")).toEqual(["slot", "front"]);
  expect(hopsOf({ ...binding, shared: true }, "traffic")).toEqual(["front", "proxy"]);
  expect(hopsOf({ ...binding, kind: "public", edge: "https://shop.example" }, "probe")).toEqual([
    "slot",
    "proxy",
    "edge",
  ]);
  expect(hopsOf({ ...binding, edge: "https://shop.example" }, "probe")).toEqual(["slot", "proxy"]);
});

test("hosts that the rollout leaves as they are come along as controls, in their own environment, without strata", () => {
  const of = rollout({ stages: [stage("acceptance", [["at-1"]]), stage("production", [["web-1"], ["web-2"]])] });
  const hostsOf = (environment: string) => (environment === "production" ? ["web-1", "web-2", "web-3"] : ["at-1"]);
  const plan = planTests(of, { hostsOf, dutiesOf: () => [duties("shop"), duties("blog")] });
  expect(plan.hosts.map(({ host, environment, changes }) => [host, environment, changes])).toEqual([
    ["at-1", "acceptance", true],
    ["web-1", "production", true],
    ["web-2", "production", true],
    ["web-3", "production", false],
  ]);
  expect(plan.hosts.at(-1)?.strata).toEqual([]);
  const sites = new Set(plan.hosts.flatMap(({ strata }) => strata.map(({ site }) => site)));
  expect([...sites]).toEqual(["shop"]);
});

test("each site has the settings of its environment; a stage that says nothing has the defaults", () => {
  const careful = { ...defaultHealthSettings, falseHalt: 0.001 };
  const of = rollout({
    stages: [stage("acceptance", [["at-1"]]), stage("production", [["web-1"]], { health: { shop: careful } })],
  });
  const { settings } = planTests(of, { hostsOf: () => [], dutiesOf: () => [] });
  expect(settings).toEqual({ acceptance: { shop: defaultHealthSettings }, production: { shop: careful } });
});
