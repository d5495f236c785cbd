import type { Instant } from "../units/time.ts";
import type { Plan, PlanInput } from "./plan-input.ts";
import type { HaltCause, Rollout, RolloutState, StepState, Steps } from "./rollout.ts";
import { revertingDeadline } from "./timings.ts";
import { type InPhase, isTouched, placedSteps } from "./wave.ts";
import { noWayBack, noWayBackSentence } from "./way-back.ts";

/**
 * Goes back, or leaves everything to a person where there is no way back, or where a stage that was touched says that going
 * back would be worse.
 */
export function planHalted(input: PlanInput, state: InPhase<RolloutState, "halted">): Plan {
  const { now, rollout } = input;
  const { cause, steps } = state;
  if (rollout.kind === "reboot") {
    return {
      next: { phase: "held", cause, steps: turnsGivenBack(steps, now), since: now },
      actions: [],
      waitingOn: [],
    };
  }
  const stays = noWayBack(input, steps);
  if (stays !== undefined) {
    const page = { kind: "page", sentence: noWayBackSentence(rollout, stays) } as const;
    return { next: { phase: "held", cause, steps, since: now }, actions: [page], waitingOn: [] };
  }
  if (holds(rollout, steps)) return { next: { phase: "held", cause, steps, since: now }, actions: [], waitingOn: [] };
  return { next: startReverting(rollout, steps, cause, now), actions: [], waitingOn: [] };
}

/** A reboot is not taken back: whoever has not been let go stays up, and whoever is away is waited for. */
function turnsGivenBack(steps: Steps, now: Instant): Steps {
  return Object.fromEntries(
    Object.entries(steps).map(([host, step]): [string, StepState] => {
      return [host, step.kind === "activating" ? { kind: "withdrawing", grant: step.grant, since: now } : step];
    }),
  );
}

/** A revert goes back everywhere, so that one stage that must not go back holds them all. */
function holds(rollout: Rollout, steps: Steps): boolean {
  const touched = placedSteps(rollout, steps).filter(({ step }) => isTouched(step));
  const words = touched.map(({ stage }) => stage.onRegression ?? rollout.onRegression);
  return (words.length === 0 ? [rollout.onRegression] : words).includes("hold");
}

/** Withdraws every grant that is out; what passed follows under the cap, in `planReverting`. */
export function startReverting(
  rollout: Rollout,
  steps: Steps,
  cause: HaltCause,
  now: Instant,
): InPhase<RolloutState, "reverting"> {
  const deadline = revertingDeadline(rollout.stages, now);
  return { phase: "reverting", cause, steps: withdrawn(steps, now), deadline, since: now };
}

/** Steps with every grant forwards taken back; the hosts have yet to obey. */
export function withdrawn(steps: Steps, now: Instant): Steps {
  return Object.fromEntries(
    Object.entries(steps).map(([host, step]): [string, StepState] => {
      const granted = step.kind === "activating" || step.kind === "provisional";
      return [host, granted ? { kind: "withdrawing", grant: step.grant, since: now } : step];
    }),
  );
}
