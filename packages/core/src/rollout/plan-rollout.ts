import { unreachable } from "../units/unreachable.ts";
import { planActivating } from "./plan-activating.ts";
import { planHalted } from "./plan-halted.ts";
import { planAborted, planHeld, planPaused } from "./plan-holding.ts";
import type { Plan, PlanInput } from "./plan-input.ts";
import { planObserving } from "./plan-observing.ts";
import { planReverting } from "./plan-reverting.ts";
import { planWaitingForGates } from "./plan-waiting-for-gates.ts";

export * from "./plan-input.ts";

/**
 * Decides the next step of a rollout: at most one change of phase at a time. Same input, same plan.
 * The caller saves `next` together with `actions` in one transaction and plans again when `next` differs from `state`.
 * A plan that changes nothing returns `next` deeply equal to `state`, with the reasons in `waitingOn`.
 */
export function planRollout(input: PlanInput): Plan {
  const { state } = input;
  switch (state.phase) {
    case "waiting-for-gates":
      return planWaitingForGates(input, state);
    case "activating":
      return planActivating(input, state);
    case "observing":
      return planObserving(input, state);
    case "paused":
      return planPaused(input, state);
    case "halted":
      return planHalted(input, state);
    case "reverting":
      return planReverting(input, state);
    case "held":
      return planHeld(input, state);
    case "aborted":
      return planAborted(input, state);
    case "completed":
    case "reverted":
      return { next: state, actions: [], waitingOn: [] };
    default:
      return unreachable(state);
  }
}
