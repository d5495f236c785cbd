import type { Standing } from "../rollout/capacity.ts";
import type { TurnWanted } from "./plan-turn.ts";

/** Turns that rollouts want now. */
export const turnsWanted = (active: readonly Standing[]): readonly TurnWanted[] =>
  active.flatMap((one) => turnsAsked(one).filter(({ host }) => one.state.steps[host]?.kind === "activating"));

/** Of hosts that are having their turn by this rollout, or giving it back. */
export function turnsAsked({ rollout, state }: Standing): readonly TurnWanted[] {
  if (rollout.kind !== "reboot") return [];
  return Object.entries(state.steps).flatMap(([host, step]) => {
    if (step.kind !== "activating" && step.kind !== "withdrawing") return [];
    return [{ rollout: rollout.id, host, order: step.grant, mayGo: state.phase === "activating" }];
  });
}
