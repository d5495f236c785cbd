import { expect, test } from "vitest";
import type { Fleet, Site } from "../fleet/fleet.ts";
import { defaultHealthSettings } from "../health/health-settings.ts";
import { minutes, seconds } from "../units/time.ts";
import { createRollout, type RolloutRequest } from "./create-rollout.ts";
import { at } from "./rollout-builders.ts";

const binding = { name: "shop.internal", kind: "internal", port: 80 } as const;

const careful = { ...defaultHealthSettings, minBakeMs: minutes(10) };

const shop: Site = {
  name: "shop",
  engine: "node",
  run: { driver: "process", command: [], env: {} },
  ready: { path: "/", withinMs: seconds(60) },
  forward: { host: "preserve" },
  drainMs: seconds(30),
  keepPreviousMs: minutes(30),
  holdMs: seconds(5),
  maxUnavailable: 2,
  onRegression: { acceptance: "revert", production: "revert" },
  health: { production: careful },
  bindings: { acceptance: [binding], production: [binding] },
  probes: [],
};

const environment = (name: string, hosts: readonly string[]) => ({
  name,
  hosts,
  waves: [
    { kind: "hosts", count: 1 },
    { kind: "percent", percent: 100 },
  ] as const,
  gates: { soakMs: seconds(10), approval: [], maxWaitMs: minutes(5) },
  unconfirmed: "revert" as const,
});

const fleet: Fleet = {
  name: "acme",
  environments: [environment("acceptance", ["at-1"]), environment("production", ["web-1", "web-2", "web-3"])],
  hosts: [],
  sites: [shop, { ...shop, name: "blog", maxUnavailable: 1, onRegression: { production: "hold" } }],
  sharedPorts: [],
  certificates: [],
};

const proven: Record<string, string> = { "site:shop": "s1", "proxy:shop": "p1" };

function request(more: Partial<RolloutRequest> = {}): RolloutRequest {
  return {
    id: "r-1",
    kind: "release",
    title: "shop 2",
    sites: ["shop"],
    by: "ada",
    createdAt: at(0),
    fleet,
    targets: () => [
      { unit: "site:shop", digest: "s2" },
      { unit: "proxy:shop", digest: "p1" },
      { unit: "front", digest: "f1" },
    ],
    proven: (host, unit) => (host === "web-3" ? undefined : proven[unit]),
    ...more,
  };
}

test("a release takes along proxy and front where they differ from what is proven or are not there yet", () => {
  const { stages } = createRollout(request());
  expect(
    stages.map(({ environment: name, waves }) => [name, waves.map((wave) => wave.map(({ host }) => host))]),
  ).toEqual([
    ["acceptance", [["at-1"]]],
    ["production", [["web-1"], ["web-2", "web-3"]]],
  ]);
  expect(stages[1]?.waves[0]?.[0]?.units).toEqual([
    { unit: "site:shop", from: "s1", to: "s2" },
    { unit: "front", to: "f1" },
  ]);
  expect(stages[1]?.waves[1]?.[1]?.units).toHaveLength(3);
});

test("hosts that have it all are not touched, and an environment without changes has no stage", () => {
  const made = createRollout(
    request({
      proven: (host, unit) => (host === "web-2" ? "old" : unit === "front" ? "f1" : unit === "site:shop" ? "s2" : "p1"),
    }),
  );
  expect(made.stages.map(({ waves }) => waves.flat().map(({ host }) => host))).toEqual([["web-2"]]);
});

test("a restart takes every target as it is", () => {
  const made = createRollout(
    request({ kind: "restart", environments: ["acceptance"], targets: () => [{ unit: "site:shop", digest: "s1" }] }),
  );
  expect(made.stages).toHaveLength(1);
  expect(made.stages[0]?.waves.flat()).toEqual([
    { host: "at-1", units: [{ unit: "site:shop", from: "s1", to: "s1" }] },
  ]);
});

test("the most careful of its sites decides about cap and regression", () => {
  const made = createRollout(request({ sites: ["shop", "blog"] }));
  expect(made.stages.map(({ onRegression }) => onRegression)).toEqual(["revert", "hold"]);
  expect(made.stages[0]?.maxUnavailable).toBe(1);
});

test("each stage keeps the health settings that its sites had when it was planned", () => {
  const { stages } = createRollout(request());
  expect(stages.map(({ health }) => health)).toEqual([{ shop: defaultHealthSettings }, { shop: careful }]);
});

test("what presents another certificate is taken as it is, whatever else the rollout is for", () => {
  const targets = () => [{ unit: "proxy:shop", digest: "p1", renews: ["shop"] }] as const;
  const made = createRollout(request({ kind: "revert", environments: ["acceptance"], targets }));
  expect(made.stages[0]?.waves.flat()).toEqual([
    { host: "at-1", units: [{ unit: "proxy:shop", from: "p1", to: "p1", renews: ["shop"] }] },
  ]);
});
