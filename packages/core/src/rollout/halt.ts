import type { Instant } from "../units/time.ts";
import type { Plan } from "./plan-input.ts";
import type { HaltCause, Rollout, Steps } from "./rollout.ts";

/** Stops a rollout and tells somebody; what happens to the hosts is decided in the phase `halted`. */
export function halt(rollout: Rollout, steps: Steps, cause: HaltCause): Plan {
  return {
    next: { phase: "halted", cause, steps, since: cause.at },
    actions: [{ kind: "page", sentence: `${rollout.title} (rollout ${rollout.id}) halted: ${cause.sentence}` }],
    waitingOn: [],
  };
}

export function haltCause(
  kind: HaltCause["kind"],
  sentence: string,
  at: Instant,
  evidence: readonly string[] = [],
): HaltCause {
  return { kind, sentence, evidence, at };
}
