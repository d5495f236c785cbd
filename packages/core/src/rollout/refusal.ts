import type { GateName } from "../gates/gate.ts";
import type { OperatorVerb, Phase } from "./rollout.ts";

/** In which phases an operator may do what. */
export const phasesAllowing = {
  approve: ["waiting-for-gates"],
  ack: ["waiting-for-gates"],
  promote: ["observing"],
  pause: ["waiting-for-gates", "activating", "observing"],
  resume: ["paused"],
  abort: ["waiting-for-gates", "activating", "observing", "paused", "halted", "held"],
  revert: ["waiting-for-gates", "activating", "observing", "paused", "halted", "held"],
  keep: ["held"],
} as const satisfies Record<OperatorVerb, readonly Phase[]>;

const instead: Partial<Record<OperatorVerb, Partial<Record<Phase, string>>>> = {
  revert: {
    completed: "deploy the earlier version instead: sluice deploy SITE VERSION",
    reverting: "it is going back already",
    reverted: "it went back already",
    aborted: "deploy the earlier version instead: sluice deploy SITE VERSION",
  },
  abort: { reverting: "let it go back first; it ends by itself" },
  approve: { paused: "resume it first" },
  ack: { paused: "resume it first" },
  promote: { paused: "resume it first" },
};

/** In which phases which gate may be overridden: while a wave waits for it. */
export const overridableIn = (gate: GateName): readonly Phase[] => {
  if (gate === "capacity") return ["waiting-for-gates", "activating"];
  return gate === "soak" || gate === "evidence" ? ["observing"] : ["waiting-for-gates"];
};

/** The coordinator enforces this, the CLI explains it, the dashboard greys buttons with it. `undefined`: go ahead. */
export function refusal(verb: OperatorVerb, phase: Phase): string | undefined {
  const allowed: readonly Phase[] = phasesAllowing[verb];
  if (allowed.includes(phase)) return undefined;
  const hint = instead[verb]?.[phase];
  return `cannot ${verb} while ${phase}; ${hint ?? `allowed while ${allowed.join(" or ")}`}`;
}
