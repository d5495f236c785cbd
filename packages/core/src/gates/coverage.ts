import type { PlanInput } from "../rollout/plan-input.ts";
import type { HostTargets, StageBelow } from "../rollout/rollout.ts";
import { hostUnit, placedSteps } from "../rollout/wave.ts";

/** A host of the environment below that says nothing for what comes next, and why. */
export interface Uncovered {
  readonly host: string;
  readonly why: string;
}

/**
 * Hosts of the environment below that do not speak for it: a subset that passed is not the environment. A host counts when
 * it passed in this very rollout, or has had exactly the same releases proven before; and it has to be heard of now.
 */
export function findUncovered(input: PlanInput, below: StageBelow): readonly Uncovered[] {
  return below.hosts.flatMap((one) => {
    const why = whyUncovered(input, one);
    return why === undefined ? [] : [{ host: one.host, why }];
  });
}

function whyUncovered({ rollout, state, hosts, proven = {} }: PlanInput, { host, units }: HostTargets) {
  if (units.length === 0) return undefined;
  const placed = placedSteps(rollout, state.steps).find(({ change }) => change.host === host);
  if (placed?.step.kind === "skipped") return `was skipped by this rollout (${placed.step.reason})`;
  if (placed !== undefined && placed.step.kind !== "passed") return "has not passed in this rollout";
  if (placed === undefined && rollout.kind === "restart") return "was left out of this rollout";
  const other = units.find(({ unit, to }) => placed === undefined && proven[hostUnit(host, unit)] !== to);
  if (other !== undefined) return `has not proven the same ${other.unit}`;
  return hosts[host]?.connected === true ? undefined : "is silent";
}
