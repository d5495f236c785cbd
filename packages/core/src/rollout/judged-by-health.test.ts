import { describe, expect, test } from "vitest";
import type { Verdict } from "../health/verdict.ts";
import { minutes } from "../units/time.ts";
import { applyVerb } from "./apply-verb.ts";
import { at, healthy, inconclusive, live, pass, regressed, type World, world } from "./rollout-builders.ts";

const unhealthy: Verdict = { kind: "inconclusive", missing: ["all hosts fail"], environmentUnhealthy: true };

function judged(it: World, verdict: Verdict): void {
  it.input = { ...it.input, verdict };
}

/** A world whose first wave is live and on trial. */
function onTrial(verdict: Verdict = inconclusive): World {
  const it = world(undefined, verdict);
  it.settle();
  it.says("web-1", live);
  it.settle();
  return it;
}

/** The first wave has passed, and the second is being activated. */
function inSecondWave(): World {
  const it = onTrial(pass);
  it.pass(30_000);
  it.settle();
  return it;
}

describe("hosts that were not changed fail as well", () => {
  test("it is paused, somebody is paged once, and nothing is taken back", () => {
    const it = onTrial(unhealthy);
    expect(it.state).toMatchObject({ phase: "paused", by: "coordinator", byHealth: true });
    expect(it.state.steps["web-1"]?.kind).toBe("provisional");
    it.pass(minutes(30));
    expect(it.settle().waitingOn).toEqual([
      expect.objectContaining({
        kind: "evidence",
        sentence: expect.stringContaining(
          "goes on by itself when they have been well for six rounds or blocks, mostly a minute",
        ),
      }),
    ]);
    expect(it.actions.filter(({ kind }) => kind === "page")).toHaveLength(1);
    expect(it.state.phase).toBe("paused");
  });

  test("it goes on by itself once they are well, with the time that was left", () => {
    const it = onTrial();
    const before = it.state;
    if (before.phase !== "observing") throw new Error("it has to observe");
    judged(it, unhealthy);
    it.settle();
    it.pass(minutes(20));
    judged(it, inconclusive);
    it.settle();
    expect(it.state).toMatchObject({
      phase: "observing",
      soakUntil: before.soakUntil + minutes(20),
      deadline: before.deadline + minutes(20),
    });
  });

  test("whoever resumes it has seen that: it observes on and is not paused for it again", () => {
    const it = onTrial(unhealthy);
    const outcome = applyVerb(it.input, "resume", { by: "ada", now: it.input.now });
    if ("refusal" in outcome) throw new Error(outcome.refusal.sentence);
    it.input = { ...it.input, state: outcome.state };
    it.settle();
    expect(it.state).toMatchObject({ phase: "observing", acceptsUnhealthy: true });
    judged(it, regressed);
    it.plan();
    expect(it.state).toMatchObject({ phase: "halted", cause: { kind: "regressed" } });
  });

  test("a pause of a person does not end by itself, whatever the verdict becomes", () => {
    const it = onTrial();
    const outcome = applyVerb(it.input, "pause", { by: "ada", reason: "lunch", now: it.input.now });
    if ("refusal" in outcome) throw new Error(outcome.refusal.sentence);
    it.input = { ...it.input, state: outcome.state };
    judged(it, pass);
    it.settle();
    expect(it.state).toMatchObject({ phase: "paused", by: "ada" });
  });

  test("the host under trial that turns out to be worse halts it out of the pause", () => {
    const it = onTrial(unhealthy);
    judged(it, regressed);
    it.settle();
    expect(it.state).toMatchObject({ phase: "reverting", cause: { kind: "regressed" } });
  });
});

describe("a host that passed stays under test until the rollout ends", () => {
  test("its regression halts the next wave while it is activated", () => {
    const it = inSecondWave();
    it.input = { ...it.input, hosts: { ...it.input.hosts, "web-2": healthy("web-2", [], "v1") } };
    expect(it.state.phase).toBe("activating");
    expect(it.state.steps["web-1"]?.kind).toBe("passed");
    judged(it, regressed);
    it.plan();
    expect(it.state).toMatchObject({ phase: "halted", cause: { kind: "regressed" } });
    it.settle();
    expect(it.state.steps["web-1"]?.kind).toBe("reverting");
  });

  test("its regression halts the rollout while the next wave waits for its gates", () => {
    const it = onTrial(pass);
    it.pass(30_000);
    while (it.state.phase === "observing") it.plan();
    expect(it.state.phase).toBe("waiting-for-gates");
    judged(it, regressed);
    it.plan();
    expect(it.state).toMatchObject({ phase: "halted", cause: { kind: "regressed", at: at(30_000) } });
  });

  test("a regression found before any host is live by it is none of its doing", () => {
    const it = world(undefined, regressed);
    it.settle();
    expect(it.state.phase).toBe("activating");
  });
});
