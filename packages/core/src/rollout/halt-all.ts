import type { HaltAll } from "../gates/gate.ts";
import type { Instant } from "../units/time.ts";
import { applyVerb, type VerbContext } from "./apply-verb.ts";
import { refusal } from "./refusal.ts";
import type { OperatorVerb, Rollout, RolloutState } from "./rollout.ts";

/**
 * A rollout as a halt of everything leaves it: held where it is. Undefined when it stays as it is, because it does not go
 * forwards: what goes back goes on going back. Holding instead of turning back keeps an order that is given in a hurry
 * from moving anything, and what failed still goes back by itself.
 */
export function heldByHaltAll(rollout: Rollout, state: RolloutState, halt: HaltAll): RolloutState | undefined {
  if (rollout.kind === "revert" || refusal("pause", state.phase) !== undefined) return undefined;
  const reason = `everything was halted: ${halt.reason}`;
  const held = after(rollout, state, "pause", { by: halt.by, reason, now: halt.at });
  return held.phase === "paused" ? { ...held, byHaltAll: true } : undefined;
}

/** Where it goes on once the halt is lifted; undefined when something else holds it. */
export function freedFromHaltAll(
  rollout: Rollout,
  state: RolloutState,
  by: string,
  now: Instant,
): RolloutState | undefined {
  return state.phase === "paused" && state.byHaltAll === true
    ? after(rollout, state, "resume", { by, now })
    : undefined;
}

function after(rollout: Rollout, state: RolloutState, verb: OperatorVerb, context: VerbContext): RolloutState {
  const outcome = applyVerb({ rollout, state, verdict: { kind: "inconclusive", missing: [] } }, verb, context);
  return "state" in outcome ? outcome.state : state;
}
