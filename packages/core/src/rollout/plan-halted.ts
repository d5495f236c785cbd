import type { Instant } from "../units/time.ts";
import type { Plan, PlanInput } from "./plan-input.ts";
import type { HaltCause, Rollout, RolloutState, StepState, Steps } from "./rollout.ts";
import { revertingDeadline } from "./timings.ts";
import type { InPhase } from "./wave.ts";

/** Goes back, or leaves everything to a person where the rollout says that going back would be worse. */
export function planHalted(input: PlanInput, state: InPhase<RolloutState, "halted">): Plan {
  const { now, rollout } = input;
  const { cause, steps } = state;
  if (rollout.onRegression === "hold")
    return { next: { phase: "held", cause, steps, since: now }, actions: [], waitingOn: [] };
  return { next: startReverting(rollout, steps, cause, now), actions: [], waitingOn: [] };
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
