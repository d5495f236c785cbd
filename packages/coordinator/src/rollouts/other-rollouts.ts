import type { OtherRollouts } from "@sluice/core";
import { busyUnits, unavailableHosts } from "@sluice/core/rollout/capacity";
import type { StoredRollout } from "../store/rollouts.ts";

/** What all active rollouts but `id` hold at this moment. */
export function othersOf(id: string, active: readonly StoredRollout[]): OtherRollouts {
  const others = active.filter(({ rollout }) => rollout.id !== id);
  const unavailable: Record<string, string[]> = {};
  for (const { rollout, state } of others) {
    for (const [key, hosts] of Object.entries(unavailableHosts(rollout, state))) {
      unavailable[key] = [...(unavailable[key] ?? []), ...hosts];
    }
  }
  return {
    busyUnits: Object.assign({}, ...others.map(({ rollout, state }) => busyUnits(rollout, state))),
    unavailable,
  };
}
