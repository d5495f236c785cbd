import { expect, test } from "vitest";
import type { GrantProgress } from "../host/observation.ts";
import type { Standing } from "../rollout/capacity.ts";
import type { HostView } from "../rollout/plan-input.ts";
import type { RolloutState, StepState } from "../rollout/rollout.ts";
import { at, healthy, live, rollout, world } from "../rollout/rollout-builders.ts";
import { instant, seconds } from "../units/time.ts";
import { scene, started } from "./health-builders.ts";
import { allInUntil, changedSince, countedPlaces, isTested, nextUntested, trialOf } from "./trial.ts";

/** Web-1 is live on trial in the first wave. */
function onTrial() {
  const it = world();
  it.settle();
  it.says("web-1", live);
  it.settle();
  return it;
}

const standing = (state: RolloutState): Standing => ({ rollout: rollout(), state });

const pausedAt = (state: RolloutState): RolloutState => {
  if (state.phase !== "observing") throw new Error("it has to observe");
  return { phase: "paused", by: "ada", reason: "coffee", resumeTo: state, steps: state.steps, since: at(0) };
};

test("on trial are the hosts of the wave that are live, also while a person has paused it", () => {
  const { state } = onTrial();
  expect(trialOf(standing(state), () => [])).toEqual({ hosts: ["web-1"], freshMs: seconds(30), soakMs: seconds(30) });
  expect(trialOf(standing(pausedAt(state)), () => []).hosts).toEqual(["web-1"]);
});

test("an answer speaks for three rounds where rounds are rare", () => {
  const duties = [{ probeEveryMs: seconds(60) }] as unknown as ReturnType<Parameters<typeof trialOf>[1]>;
  expect(trialOf(standing(onTrial().state), () => duties).freshMs).toBe(seconds(180));
});

test("nothing is tested before a host changes, everything until the end, and nothing once it turns back", () => {
  const it = world();
  expect(isTested(standing(it.state))).toBe(false);
  const { state } = onTrial();
  expect(isTested(standing(state))).toBe(true);
  expect(isTested(standing(pausedAt(state)))).toBe(true);
  const done: RolloutState = { phase: "completed", steps: state.steps, since: at(0) };
  expect(isTested(standing(done))).toBe(false);
});

test("tests begin on each host once: those that changed, in the order of the rollout", () => {
  const it = onTrial();
  const none = started(scene({ others: 2, historyS: 0 }));
  const web1 = none.hosts["web-1"];
  if (web1 === undefined) throw new Error("web-1 is in the scene");
  const { changedAt: _, ...unchanged } = web1;
  const before = { ...none, hosts: { ...none.hosts, "web-1": unchanged } };
  expect(nextUntested(standing(it.state), before, it.input.hosts, it.input.now)?.host).toBe("web-1");
  expect(nextUntested(standing(it.state), none, it.input.hosts, it.input.now)).toBeUndefined();
  expect(nextUntested(standing(it.state), { ...before, hosts: {} }, it.input.hosts, it.input.now)).toBeUndefined();
});

const step: StepState = {
  ...{ kind: "provisional", grant: "g", since: at(5_000), confirmBy: at(600_000) },
  ...({ switchMs: 12 } as object),
} as StepState;

/** A host that says at `hostNow` of its own clock that it switched at `switchedAt`. */
function saying(hostNow: number, switchedAt: number): HostView {
  const progress: GrantProgress = { kind: "provisional", switchedAt: instant(switchedAt), switchMs: 12 };
  const view = healthy("web-1", [{ grant: "g", since: at(0), progress }]);
  if (view.observation === undefined) throw new Error("it has spoken");
  return { ...view, observation: { ...view.observation, at: instant(hostNow) } };
}

test("a change began when the host says so while its clock agrees with ours", () => {
  expect(changedSince(saying(at(9_000), at(4_000)), step, at(10_000))).toBe(at(4_000));
});

test("of a clock that is wrong only the time that has passed is believed", () => {
  const hour = 3_600_000;
  for (const off of [hour, -hour]) {
    expect(changedSince(saying(at(9_000) + off, at(4_000) + off), step, at(10_000))).toBe(at(5_000));
  }
});

test("a host that never said when it switched is taken at the coordinator's own word", () => {
  expect(changedSince(undefined, step, at(10_000))).toBe(step.kind === "provisional" ? step.since : 0);
  expect(changedSince(undefined, { kind: "passed", at: at(7_000) }, at(10_000))).toBe(at(7_000));
  expect(changedSince(saying(at(9_000), at(4_000)), { kind: "pending" }, at(10_000))).toBeUndefined();
});

test("evidence comes from the changed host and from those it is compared with, each once", () => {
  expect(countedPlaces(started(scene({ others: 2 })))).toEqual(
    ["web-1", "web-2", "web-3"].map((host) => ({ host, site: "shop" })),
  );
});

test("evidence is in until the host that is behind, which is waited for half a minute", () => {
  const now = instant(100_000);
  expect(allInUntil([95_000, 80_000], now)).toBe(80_000);
  expect(allInUntil([95_000, 10_000], now)).toBe(70_000);
  expect(allInUntil([95_000, undefined], now)).toBe(70_000);
  expect(allInUntil([105_000], now)).toBe(now);
  expect(allInUntil([], now)).toBe(now);
});
