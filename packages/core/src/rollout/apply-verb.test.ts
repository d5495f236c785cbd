import { expect, test } from "vitest";
import { minutes, seconds } from "../units/time.ts";
import { applyVerb, type VerbContext } from "./apply-verb.ts";
import { phasesAllowing, refusal } from "./refusal.ts";
import type { OperatorVerb, Phase } from "./rollout.ts";
import { at, inconclusive, live, regressed, rollout, stage, type World, world } from "./rollout-builders.ts";

const phases: readonly Phase[] = [
  "waiting-for-gates",
  "activating",
  "observing",
  "paused",
  "halted",
  "reverting",
  "completed",
  "reverted",
  "held",
  "aborted",
];
const verbs = Object.keys(phasesAllowing) as OperatorVerb[];

function tell(it: World, verb: OperatorVerb, more: Partial<VerbContext> = {}): string | undefined {
  const outcome = applyVerb(it.input, verb, { by: "ada", now: it.input.now, ...more });
  if ("refusal" in outcome) return outcome.refusal.sentence;
  it.input = { ...it.input, state: outcome.state };
  return undefined;
}

function onTrial(...args: Parameters<typeof world>): World {
  const it = world(...args);
  it.settle();
  it.says("web-1", live);
  it.settle();
  return it;
}

test.each(verbs.flatMap((verb) => phases.map((phase) => [verb, phase] as const)))(
  "whether one may %s while %s has an answer in words or none at all",
  (verb, phase) => {
    const why = refusal(verb, phase);
    if ((phasesAllowing[verb] as readonly Phase[]).includes(phase)) expect(why).toBeUndefined();
    else expect(why).toMatch(new RegExp(`^cannot ${verb} while ${phase}; .{10,}`));
  },
);

test("an environment starts once each of its roles has approved it, once", () => {
  const approval = ["dba", "release-manager"].map((role) => ({ role, count: 1 }));
  const gates = { soakMs: seconds(30), approval, maxWaitMs: minutes(5) };
  const it = world(rollout({ stages: [stage("production", [["web-1"], ["web-2"]], { gates })] }));
  expect(it.settle().waitingOn.map(({ sentence }) => sentence)).toEqual([
    "production needs the approval of a dba; production needs the approval of a release-manager",
  ]);
  expect(tell(it, "approve", { role: "intern" })).toContain("asks for the approval of dba and release-manager");
  tell(it, "approve", { role: "dba" });
  tell(it, "approve", { role: "release-manager" });
  it.settle();
  it.says("web-1", live);
  it.settle();
  it.pass(30_000);
  it.settle();
  expect(it.state).toMatchObject({ phase: "activating", at: { wave: 1 } });
});

test("promote ends the soak and does without more evidence, but wants a reason", () => {
  const it = onTrial(rollout(), inconclusive);
  expect(tell(it, "promote")).toContain("without a reason");
  tell(it, "promote", { reason: "the edge is being repaired" });
  it.plan();
  expect(it.state).toMatchObject({ phase: "waiting-for-gates", at: { wave: 1 } });
});

test("promote does nothing against a regression", () => {
  const it = onTrial(rollout(), inconclusive);
  tell(it, "promote", { reason: "hurry" });
  it.input = { ...it.input, verdict: regressed };
  expect(tell(it, "promote", { reason: "hurry" })).toContain("3 failures in a row");
  it.plan();
  expect(it.state.phase).toBe("halted");
});

test("a paused rollout grants nothing, keeps what is out alive, and has the same time left when resumed", () => {
  const it = onTrial(rollout(), inconclusive);
  it.pass(10_000);
  tell(it, "pause", { reason: "lunch" });
  for (let i = 0; i < 24; i++) {
    it.pass(minutes(5));
    it.settle();
  }
  const held = it.state.steps["web-1"];
  expect(held?.kind === "provisional" && held.confirmBy).toBeGreaterThan(it.input.now);
  tell(it, "resume");
  if (it.state.phase !== "observing") throw new Error(it.state.phase);
  expect(it.state.soakUntil - it.input.now).toBe(20_000);
  const step = it.state.steps["web-1"];
  expect(step?.kind === "provisional" && step.confirmBy).toBeGreaterThan(it.state.deadline);
});

test("a rollout that is resumed late gives its grants the time that its wave has left", () => {
  const it = onTrial(rollout(), inconclusive);
  tell(it, "pause", { reason: "lunch" });
  // Nobody plans meanwhile, as while a coordinator is away: nothing is prolonged.
  it.pass(minutes(60));
  tell(it, "resume");
  if (it.state.phase !== "observing") throw new Error(it.state.phase);
  const step = it.state.steps["web-1"];
  expect(step?.kind === "provisional" && step.confirmBy).toBeGreaterThan(it.state.deadline);
});

test("a regression halts a paused trial as well", () => {
  const it = onTrial(rollout(), inconclusive);
  tell(it, "pause");
  it.input = { ...it.input, verdict: regressed };
  it.plan();
  expect(it.state.phase).toBe("halted");
});

test("abort withdraws what is on trial and leaves what passed", () => {
  const it = onTrial();
  it.pass(30_000);
  it.settle();
  it.says("web-2", live);
  it.settle();
  tell(it, "abort", { reason: "wrong version" });
  it.settle();
  expect(it.state).toMatchObject({
    phase: "aborted",
    steps: { "web-1": { kind: "passed" }, "web-2": { kind: "withdrawing" } },
  });
  it.says("web-2", { kind: "withdrawn" });
  expect(it.state.steps["web-2"]?.kind).toBe("withdrawing");
  expect(it.settle().waitingOn.some(({ hosts }) => hosts.includes("web-2"))).toBe(false);
});

test("revert goes back as a regression would, under the operator's name", () => {
  const it = onTrial(rollout({ onRegression: "hold" }));
  tell(it, "revert", { reason: "users complain", now: at(0) });
  it.settle();
  expect(it.state).toMatchObject({
    phase: "reverting",
    cause: { kind: "operator", sentence: "reverted by ada: users complain" },
  });
});

test("revert of a completed rollout says what to do instead", () => {
  expect(refusal("revert", "completed")).toBe(
    "cannot revert while completed; deploy the earlier version instead: sluice deploy SITE VERSION",
  );
});
