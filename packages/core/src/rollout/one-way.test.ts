import { expect, test } from "vitest";
import { minutes, seconds } from "../units/time.ts";
import { applyVerb, type VerbContext } from "./apply-verb.ts";
import type { OperatorVerb } from "./rollout.ts";
import { at, broken, inconclusive, live, regressed, rollout, stage, type World, world } from "./rollout-builders.ts";

const gates = { soakMs: seconds(30), approval: [], maxWaitMs: minutes(5) };
const stages = [stage("acceptance", [["at-1"]], { gates }), stage("production", [["web-1"]], { gates })];
const oneWay = "orders are split into two tables";

/** A one-way release that passed in acceptance and is on trial in production. */
function onTrial(): World {
  const it = world(rollout({ stages, oneWay }));
  for (const host of ["at-1", "web-1"]) {
    it.settle();
    it.says(host, live);
    it.settle();
    if (host === "at-1") it.pass(30_000);
  }
  expect(it.state).toMatchObject({ phase: "observing", at: { stage: 1 } });
  return it;
}

function tell(it: World, verb: OperatorVerb, more: Partial<VerbContext> = {}) {
  const outcome = applyVerb(it.input, verb, { by: "ada", now: it.input.now, ...more });
  if ("refusal" in outcome) return outcome.refusal;
  it.input = { ...it.input, state: outcome.state };
  return undefined;
}

function held(): World {
  const it = onTrial();
  it.input = { ...it.input, verdict: regressed };
  it.settle();
  return it;
}

test("a regression of a one-way release holds what is live and calls somebody, saying why and what may be done", () => {
  const it = held();
  expect(it.state.phase).toBe("held");
  expect(it.state.steps).toMatchObject({ "at-1": { kind: "passed" }, "web-1": { kind: "provisional" } });
  const pages = it.actions.flatMap((action) => (action.kind === "page" ? [action.sentence] : []));
  expect(pages).toEqual([
    "shop 2.4.0 (rollout r-1) halted: www.shop.example via edge on web-1: 3 failures in a row",
    "shop 2.4.0 (rollout r-1) is not taken back, because it is one-way (orders are split into two tables): at-1 and web-1 may run it; keep it and deploy a mended release: sluice rollout keep r-1 --reason …; or take it back all the same: sluice rollout revert r-1 --reason …",
  ]);
  expect(it.plan().waitingOn.map(({ sentence }) => sentence)).toEqual([
    "held for a person after: www.shop.example via edge on web-1: 3 failures in a row; it is one-way (orders are split into two tables): keep it, or revert it all the same",
  ]);
});

test("a verdict that never comes takes back no one-way release either", () => {
  const it = onTrial();
  it.input = { ...it.input, verdict: inconclusive };
  it.pass(minutes(10));
  it.settle();
  expect(it.state).toMatchObject({ phase: "held", cause: { kind: "deadline" } });
  expect(it.state.steps["web-1"]?.kind).toBe("provisional");
});

test("a one-way release that was refused before the switch has touched nothing, so that there is nothing to hold", () => {
  const it = world(rollout({ stages, oneWay }));
  it.settle();
  it.says("at-1", broken);
  it.settle();
  expect(it.state.phase).toBe("reverted");
});

test.each(["revert", "abort"] as const)(
  "%s of a live one-way release takes a role that may override, and a reason",
  (verb) => {
    const it = held();
    expect(tell(it, verb, { reason: "it hurts" })).toMatchObject({
      reason: "role-missing",
      sentence: expect.stringContaining("it is one-way (orders are split into two tables), and"),
    });
    expect(tell(it, verb, { mayOverride: true })).toMatchObject({ reason: "reason-missing" });
    expect(tell(it, verb, { mayOverride: true, reason: "the backup is restored" })).toBeUndefined();
    expect(it.state.steps["web-1"]).toMatchObject({ kind: "withdrawing" });
  },
);

test("whoever aborts a one-way rollout of which nothing is on trial needs no such role", () => {
  const it = world(rollout({ stages, oneWay }));
  expect(tell(it, "abort", { reason: "not today" })).toBeUndefined();
});

test("keeping what is held makes it proven by a person's word and ends the rollout, so that a mended release can follow", () => {
  const it = held();
  expect(tell(it, "keep", { reason: "mended by 2.4.1" })).toMatchObject({ reason: "role-missing" });
  expect(tell(it, "keep", { mayOverride: true })).toMatchObject({ reason: "reason-missing" });
  expect(tell(it, "keep", { mayOverride: true, reason: "mended by 2.4.1" })).toBeUndefined();
  const plan = it.plan();
  expect(plan.next).toMatchObject({ phase: "aborted", steps: { "web-1": { kind: "passed", at: at(30_000) } } });
  expect(plan.actions).toEqual([
    { kind: "record-proven", host: "web-1", units: [{ unit: "site:shop", digest: "v2" }] },
    {
      kind: "record-verdict",
      environment: "production",
      verdict: "bad",
      units: [{ unit: "site:shop", digest: "v2" }],
      sentence: "shop 2.4.0 was kept by ada: mended by 2.4.1",
    },
  ]);
  expect(plan.waitingOn).toEqual([]);
  expect(it.plan().actions).toEqual([]);
});

test("keeping takes back what is only being prepared", () => {
  const wide = [stage("production", [["web-1", "web-2"]], { gates, maxUnavailable: 2 })];
  const it = world(rollout({ stages: wide, oneWay }));
  it.settle();
  it.says("web-1", live);
  it.settle();
  it.pass(minutes(60));
  it.settle();
  expect(it.state).toMatchObject({ phase: "held", steps: { "web-2": { kind: "activating" } } });
  tell(it, "keep", { mayOverride: true, reason: "mended by 2.4.1" });
  expect(it.state.steps).toMatchObject({ "web-1": { kind: "provisional" }, "web-2": { kind: "withdrawing" } });
});
