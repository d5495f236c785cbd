import type { Standing } from "../rollout/capacity.ts";
import { isOut, type RebootLease } from "./judge-reboot.ts";
import type { TurnWanted } from "./plan-turn.ts";
import type { RebootOrder } from "./reboot-order.ts";

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

/** What a host's intent says about its turn: nothing before it is let go, and nothing once it is back or no longer wanted. */
export function rebootOrderOf(lease: RebootLease | undefined, active: readonly Standing[]): RebootOrder | undefined {
  const { id, bootId } = lease?.order ?? {};
  if (lease === undefined || id === undefined || bootId === undefined || !isOut(lease)) return undefined;
  return turnsWanted(active).some(({ order }) => order === id) ? { id, bootId } : undefined;
}
