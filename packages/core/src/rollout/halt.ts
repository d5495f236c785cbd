import type { Instant } from "../units/time.ts";
import type { Plan, PlanInput } from "./plan-input.ts";
import type { HaltCause, Rollout, StepState, Steps } from "./rollout.ts";
import { placedSteps } from "./wave.ts";
import { recordVerdict } from "./way-back.ts";

/** Stops a rollout and tells somebody; what happens to the hosts is decided in the phase `halted`. */
export function halt(rollout: Rollout, steps: Steps, cause: HaltCause): Plan {
  return {
    next: { phase: "halted", cause, steps, since: cause.at },
    actions: [{ kind: "page", sentence: `${rollout.title} (rollout ${rollout.id}) halted: ${cause.sentence}` }],
    waitingOn: [],
  };
}

/** What was counted on hosts that are live by this rollout speaks against it, in whatever wave they are. */
export function isRegressed(input: PlanInput, steps: Steps): boolean {
  return Object.values(steps).some(isLiveByIt) && input.verdict.kind === "regressed";
}

const isLiveByIt = ({ kind }: StepState): boolean => kind === "provisional" || kind === "passed";

/** Stops a rollout that {@link isRegressed}, and notes that its releases are bad where they are on trial. */
export function haltRegressed({ now, rollout, verdict }: PlanInput, steps: Steps): Plan {
  const reasons = verdict.kind === "regressed" ? verdict.reasons : [];
  const [first = "health is worse than before"] = reasons;
  const plan = halt(rollout, steps, haltCause("regressed", first, now, reasons));
  const live = placedSteps(rollout, steps).filter(({ step }) => isLiveByIt(step));
  const onTrial = live.filter(({ step }) => step.kind === "provisional");
  const bad = recordVerdict(onTrial.length > 0 ? onTrial : live, "bad", `${rollout.title} regressed there: ${first}`);
  return { ...plan, actions: [...bad, ...plan.actions] };
}

export function haltCause(
  kind: HaltCause["kind"],
  sentence: string,
  at: Instant,
  evidence: readonly string[] = [],
): HaltCause {
  return { kind, sentence, evidence, at };
}
