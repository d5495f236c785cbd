import { expect, test } from "vitest";
import { minutes, seconds } from "../units/time.ts";
import { describeRollout } from "./describe-rollout.ts";
import type { Stage } from "./rollout.ts";
import { at, live, rollout, stage, type World, world } from "./rollout-builders.ts";

const gates = { soakMs: seconds(30), approval: [], maxWaitMs: minutes(5), monitoring: true };

const production = (waves: readonly (readonly string[])[], more: Partial<Stage> = { skipLostMs: minutes(10) }) =>
  rollout({ stages: [stage("production", waves, { gates, maxUnavailable: 9, ...more })] });

function lose(it: World, host: string, since = 0): void {
  it.silence(host);
  const view = { ...it.input.hosts[host], connected: false, silentSince: at(since) };
  it.input = { ...it.input, hosts: { ...it.input.hosts, [host]: view } };
}

const unheard = (host: string) => ({ host, sentence: `www via front on ${host} is silent` });

test("a wave starts without a host that has been silent for as long as the environment says, and is completed without it", () => {
  const it = world(production([["web-1", "web-2", "web-3"]]));
  lose(it, "web-2");
  it.input = { ...it.input, gates: { ...it.input.gates, unheard: [unheard("web-2")] } };
  it.pass(minutes(10) - 1);
  expect(it.settle().next.phase).toBe("waiting-for-gates");
  it.pass(1);
  expect(it.settle().next).toMatchObject({
    phase: "activating",
    steps: { "web-2": { kind: "skipped", reason: "silent for 10m" }, "web-1": { kind: "activating" } },
  });
  for (const host of ["web-1", "web-3"]) it.says(host, live);
  it.settle();
  it.pass(minutes(1));
  const { next } = it.settle();
  expect(next).toMatchObject({
    phase: "completed",
    steps: { "web-2": { kind: "skipped" }, "web-3": { kind: "passed" } },
  });
  expect(describeRollout(it.input.rollout, next, [], it.input.now)).toBe("completed on 2 hosts, without web-2");
  expect(it.actions.filter(({ kind }) => kind === "record-proven")).toHaveLength(2);
});

test("a host that comes back before its wave starts takes part in it", () => {
  const it = world(production([["web-1"], ["web-2", "web-3"]]));
  lose(it, "web-2");
  it.pass(minutes(20));
  it.settle();
  it.says("web-1", live);
  it.says("web-2", { kind: "preparing", doing: "" });
  it.settle();
  it.pass(minutes(1));
  expect(it.settle().next.steps).toMatchObject({ "web-2": { kind: "activating" }, "web-3": { kind: "activating" } });
});

test("a host that falls silent while it waits for its turn is skipped, one that holds a grant is not", () => {
  const it = world(production([["web-1", "web-2"]], { maxUnavailable: 1, skipLostMs: minutes(3) }));
  it.settle();
  lose(it, "web-1");
  lose(it, "web-2");
  it.pass(minutes(4));
  expect(it.settle().next).toMatchObject({ steps: { "web-1": { kind: "activating" }, "web-2": { kind: "skipped" } } });
  it.pass(minutes(60));
  expect(it.settle().next).toMatchObject({ cause: { kind: "deadline" } });
});

test("nobody is skipped where the environment does not say so, when all of a wave is lost, or by a coordinator that is blind", () => {
  const waiting = world(production([["web-1", "web-2"]], {}));
  lose(waiting, "web-2");
  waiting.pass(minutes(60));
  expect(waiting.settle().next.steps["web-2"]?.kind).not.toBe("skipped");
  const all = world(production([["web-1", "web-2"]]));
  for (const host of ["web-1", "web-2"]) lose(all, host);
  all.pass(minutes(60));
  expect(JSON.stringify(all.settle().next)).not.toContain("skipped");
  const blind = world(production([["web-1", "web-2"]], { maxUnavailable: 1, skipLostMs: minutes(3) }));
  blind.settle();
  lose(blind, "web-2");
  blind.input = { ...blind.input, fleet: { hosts: 3, silent: 2 } };
  blind.pass(minutes(4));
  expect(blind.settle().next.steps["web-2"]?.kind).toBe("pending");
  blind.input = { ...blind.input, fleet: { hosts: 3, silent: 1 } };
  expect(blind.settle().next.steps["web-2"]?.kind).toBe("skipped");
});
