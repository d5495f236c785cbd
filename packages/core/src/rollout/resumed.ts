import { after, between, type DurationMs, type Instant } from "../units/time.ts";
import type { PausablePhase, Rollout, RolloutState, StepState, Steps } from "./rollout.ts";
import { confirmBy } from "./timings.ts";
import { type InPhase, placedSteps, stageAt } from "./wave.ts";

/** A paused rollout goes on where it was; what time was left is left again. */
export function resumed(rollout: Rollout, paused: InPhase<RolloutState, "paused">, now: Instant): PausablePhase {
  const state = later(paused.resumeTo, between(paused.since, now));
  return { ...state, steps: confirmableUntil(rollout, state, paused.steps) };
}

function later(state: PausablePhase, by: DurationMs): PausablePhase {
  const moved = { since: after(state.since, by), deadline: after(state.deadline, by) };
  return state.phase === "observing"
    ? { ...state, ...moved, soakUntil: after(state.soakUntil, by) }
    : { ...state, ...moved };
}

/** Grants that are out last for the whole of what is still ahead of their wave. */
function confirmableUntil(rollout: Rollout, state: PausablePhase, steps: Steps): Steps {
  const stage = stageAt(rollout, state.at);
  const needed = confirmBy(stage, state.deadline);
  const extended = placedSteps(rollout, steps).map(({ change, step }): [string, StepState] => {
    const granted = step.kind === "activating" || step.kind === "provisional";
    return [change.host, granted && step.confirmBy < needed ? { ...step, confirmBy: needed } : step];
  });
  return Object.fromEntries(extended);
}
