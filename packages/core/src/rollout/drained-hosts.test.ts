import { expect, test } from "vitest";
import type { DrainedHost } from "./drained-hosts.ts";
import { live, rollout, stage, world } from "./rollout-builders.ts";

const drained = (host: string, sites = ["shop/production"]): DrainedHost => ({
  host,
  by: "ada",
  reason: "disk",
  sites,
});
const one = () => world(rollout({ stages: [stage("production", [["web-1"], ["web-2"]])] }));

test("a wave does not start while one of its hosts is drained, and says who drained it", () => {
  const it = one();
  it.input = { ...it.input, drained: [drained("web-1")] };
  const plan = it.settle();
  expect(plan.next.phase).toBe("waiting-for-gates");
  expect(plan.waitingOn).toMatchObject([
    { kind: "drained", sentence: "web-1 is drained by ada: disk; let users come again: sluice host undrain web-1" },
  ]);
  it.input = { ...it.input, drained: [] };
  expect(it.settle().next.phase).toBe("activating");
});

test("a drained host takes the room of another host of its sites, and of no other site", () => {
  const it = one();
  it.input = { ...it.input, drained: [drained("web-9")] };
  expect(it.settle().waitingOn).toMatchObject([
    { kind: "drained", sentence: "web-1 waits while web-9 is drained (at most 1 of shop at a time)", hosts: ["web-1"] },
  ]);
  it.input = { ...it.input, drained: [drained("web-9", ["blog/production", "shop/acceptance"])] };
  expect(it.settle().next.phase).toBe("activating");
});

test("a drain in the middle of a wave holds the hosts that have no grant yet, and lets the others finish", () => {
  const it = world(rollout({ stages: [stage("production", [["web-1", "web-2"]])] }));
  it.settle();
  it.input = { ...it.input, drained: [drained("web-2")] };
  it.says("web-1", live);
  const plan = it.settle();
  expect(plan.next.steps).toMatchObject({ "web-1": { kind: "provisional" } });
  expect(plan.next.steps["web-2"]?.kind ?? "pending").toBe("pending");
  expect(plan.waitingOn).toMatchObject([{ kind: "drained", hosts: ["web-2"] }]);
});

test("what goes back is not held up by a drained host", () => {
  const it = one();
  it.settle();
  it.says("web-1", { kind: "failed", touchedTraffic: true, reason: "answers 500", failure: "probes-after" });
  it.input = { ...it.input, drained: [drained("web-1"), drained("web-9")] };
  expect(it.settle().next.phase).toMatch(/revert/);
});
