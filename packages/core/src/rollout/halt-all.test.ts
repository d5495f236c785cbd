import { expect, test } from "vitest";
import { freedFromHaltAll, heldByHaltAll } from "./halt-all.ts";
import type { RolloutState } from "./rollout.ts";
import { at, rollout, world } from "./rollout-builders.ts";

const halt = { by: "ada", reason: "the building is on fire", at: at(1000) };

/** A rollout of the kind with a host at work. */
function underWay(kind: "release" | "revert") {
  const it = world(rollout({ kind }));
  it.settle();
  expect(it.state).toMatchObject({ phase: "activating", steps: { "web-1": { kind: "activating" } } });
  return it;
}

/** As a halt leaves it. */
function halted(kind: "release" | "revert"): RolloutState | undefined {
  const { input, state } = underWay(kind);
  return heldByHaltAll(input.rollout, state, halt);
}

test("a halt of everything holds what goes forwards, and says who and why", () => {
  expect(halted("release")).toMatchObject({ phase: "paused", byHaltAll: true });
  expect(JSON.stringify(halted("release"))).toContain("everything was halted: the building is on fire");
});

test("what goes back goes on going back when everything is halted", () => {
  expect(halted("revert")).toBeUndefined();
});

test("what a halt held goes on when it is lifted; what somebody paused before does not", () => {
  const { input } = underWay("release");
  const held = halted("release");
  if (held?.phase !== "paused") throw new Error("it is not held");
  expect(freedFromHaltAll(input.rollout, held, "ada", at(2000))).toMatchObject({ phase: "activating" });
  const { byHaltAll: _, ...pausedByHand } = held;
  expect(freedFromHaltAll(input.rollout, pausedByHand, "ada", at(2000))).toBeUndefined();
});
