import type { Phase, StepState } from "@sluice/core";
import type { Store } from "./sim-coordinator.ts";
import type { SimHost } from "./sim-host.ts";

export const isOver = (phase: Phase): boolean => phase === "completed" || phase === "reverted" || phase === "aborted";

/** The step has a grant out, or one to be given back. */
export const isOut = ({ kind }: StepState): boolean =>
  kind === "activating" || kind === "provisional" || kind === "withdrawing" || kind === "reverting";

/** What keeps a fleet from being at rest: a rollout on its way, or a host that does not run what is proven. */
export function unsettled(store: Store, hosts: readonly SimHost[]): string | undefined {
  const moving = store.rollouts.find(({ state }) => !isOver(state.phase) || Object.values(state.steps).some(isOut));
  if (moving !== undefined)
    return `${moving.rollout.id} is ${moving.state.phase}: ${JSON.stringify(moving.state.steps)}`;
  for (const host of hosts) {
    const wanted = JSON.stringify(Object.entries(store.proven[host.name] ?? {}).sort());
    for (const [what, found] of [
      ["runs", host.running],
      ["has proven", host.proven],
    ] as const) {
      const actual = JSON.stringify([...found].sort());
      if (actual !== wanted) return `${host.name} ${what} ${actual}, the store says ${wanted}`;
    }
  }
  return undefined;
}
