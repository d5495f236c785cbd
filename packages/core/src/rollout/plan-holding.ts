import { isUnhealthy } from "../health/verdict.ts";
import { after, type Instant, instant } from "../units/time.ts";
import { halt, haltCause, haltRegressed, isRegressed } from "./halt.ts";
import type { Plan, PlanInput, RolloutAction } from "./plan-input.ts";
import { withdrawals } from "./plan-reverting.ts";
import { resumed } from "./resumed.ts";
import type { Rollout, RolloutState, StepState, Steps, WaitingOn } from "./rollout.ts";
import { settleSteps } from "./settle-steps.ts";
import { heldGrantMs } from "./timings.ts";
import { type InPhase, placedSteps } from "./wave.ts";
import { noWayBack, recordVerdict } from "./way-back.ts";

/** Grants nothing new and keeps alive what is out, for as long as somebody holds it; a failure still halts. */
export function planPaused(input: PlanInput, state: InPhase<RolloutState, "paused">): Plan {
  const { now, rollout } = input;
  const { steps, failure } = settleSteps(input);
  if (failure !== undefined) return halt(rollout, steps, haltCause(failure.kind, failure.sentence, now));
  if (isRegressed(input, steps)) return haltRegressed(input, steps);
  if (state.byHealth === true && !isUnhealthy(input.verdict)) {
    return { next: resumed(rollout, { ...state, steps }, now), actions: [], waitingOn: [] };
  }
  const held = state.byHealth === true ? unhealthy(state.reason) : operator(pausedWords(state));
  return { next: { ...state, steps: prolonged(rollout, steps, now) }, actions: [], waitingOn: [held] };
}

/** Leaves everything as it is for a person. What was ordered before (a withdrawal, a revert) still comes to its end. */
export function planHeld(input: PlanInput, state: InPhase<RolloutState, "held">): Plan {
  const { steps, actions } = settleSteps(input);
  const held = operator(`held for a person after: ${state.cause.sentence}; ${whatMayBeDone(input, steps)}`);
  const next = { ...state, steps: prolonged(input.rollout, steps, input.now) };
  return { next, actions, waitingOn: [held, ...withdrawals(input, steps, {})] };
}

function whatMayBeDone(input: PlanInput, steps: Steps): string {
  if (input.rollout.kind === "reboot") return "see to that host, abort this, and reboot the others anew";
  const stays = noWayBack(input, steps);
  return stays === undefined ? "revert, keep or abort it" : `${stays.why}: keep it, or revert it all the same`;
}

/** Waits only for hosts that have not given back their grant yet. */
export function planAborted(input: PlanInput, state: InPhase<RolloutState, "aborted">): Plan {
  const { steps, actions } = settleSteps(input);
  const kept = state.keeps === true ? keep(input, state, steps) : { steps, actions: [] };
  return {
    next: { ...state, steps: prolonged(input.rollout, kept.steps, input.now) },
    actions: [...actions, ...kept.actions],
    waitingOn: withdrawals(input, kept.steps, {}),
  };
}

/** What is live on trial is proven, by a person's word, which is no good verdict. */
function keep(
  { now, rollout }: PlanInput,
  { by, reason }: InPhase<RolloutState, "aborted">,
  steps: Steps,
): { readonly steps: Steps; readonly actions: readonly RolloutAction[] } {
  const kept = placedSteps(rollout, steps).filter(({ step }) => step.kind === "provisional");
  const proven = kept.map(({ change: { host, units } }): RolloutAction => {
    return { kind: "record-proven", host, units: units.map(({ unit, to }) => ({ unit, digest: to })) };
  });
  return {
    steps: { ...steps, ...Object.fromEntries(kept.map(({ change }) => [change.host, { kind: "passed", at: now }])) },
    actions: [...proven, ...recordVerdict(kept, "bad", `${rollout.title} was kept by ${by}: ${reason}`)],
  };
}

const pausedWords = ({ by, reason }: InPhase<RolloutState, "paused">): string =>
  `paused by ${by}: ${reason}; resume, revert or abort it`;

const unhealthy = (reason: string): WaitingOn => ({
  kind: "evidence",
  sentence: `paused, nothing is reverted: ${reason}; goes on by itself when they have been well for six rounds or blocks, mostly a minute; or resume, revert or abort it`,
  hosts: [],
});

const operator = (sentence: string): WaitingOn => ({ kind: "operator", sentence, hosts: [] });

/**
 * Grants whose time runs out while a person holds the rollout get more of it, so that thinking does not undo anything.
 * They still lapse when the coordinator is gone: it has to keep prolonging them.
 */
function prolonged(rollout: Rollout, steps: Steps, now: Instant): Steps {
  const later: Record<string, StepState> = {};
  for (const { stage, change, step } of placedSteps(rollout, steps)) {
    const window = heldGrantMs(stage);
    const lapsesSoon = "confirmBy" in step && step.confirmBy < instant(now + window / 2);
    later[change.host] = lapsesSoon ? { ...step, confirmBy: after(now, window) } : step;
  }
  return later;
}
