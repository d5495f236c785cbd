import type { PlanInput } from "./plan-input.ts";
import type { HostChange, Rollout, RolloutState, Stage, StepState, Steps } from "./rollout.ts";
import { hostUnit, placedSteps, siteIn, sitesTouched } from "./wave.ts";

/** Between an order to change what is live and the host's word that it is done. */
const isMidActivation = ({ kind }: StepState): boolean =>
  kind === "activating" || kind === "withdrawing" || kind === "reverting";

/** The rollout has the units in its hands on this host: no other rollout may touch them. */
const holdsUnits = (step: StepState): boolean => isMidActivation(step) || step.kind === "provisional";

/** Hosts that a rollout keeps in the middle of an activation, by `site/environment`: its part of `others.unavailable`. */
export function unavailableHosts(rollout: Rollout, state: RolloutState): Readonly<Record<string, readonly string[]>> {
  const hosts: Record<string, string[]> = {};
  for (const { stage, change, step } of placedSteps(rollout, state.steps)) {
    if (!isMidActivation(step)) continue;
    for (const site of sitesTouched(rollout, change.units)) {
      const key = siteIn(site, stage.environment);
      hosts[key] = [...(hosts[key] ?? []), change.host];
    }
  }
  return hosts;
}

/** `host/unit` keys that a rollout is changing, with its id: its part of `others.busyUnits`. */
export function busyUnits(rollout: Rollout, state: RolloutState): Readonly<Record<string, string>> {
  const busy: Record<string, string> = {};
  for (const { change, step } of placedSteps(rollout, state.steps)) {
    if (holdsUnits(step)) for (const { unit } of change.units) busy[hostUnit(change.host, unit)] = rollout.id;
  }
  return busy;
}

/** Hosts in the way of one more activation on `change.host`, or none when there is room for it under `atOnce`. */
export function inTheWay(
  input: PlanInput,
  steps: Steps,
  stage: Stage,
  change: HostChange,
  limit: { readonly atOnce: number; readonly counting: readonly StepState["kind"][] },
): readonly string[] {
  const own = stage.waves
    .flat()
    .filter(({ host }) => limit.counting.includes(steps[host]?.kind ?? "pending"))
    .map((other) => ({ host: other.host, sites: sitesTouched(input.rollout, other.units) }));
  for (const site of sitesTouched(input.rollout, change.units)) {
    const others = input.others.unavailable[siteIn(site, stage.environment)] ?? [];
    const hosts = new Set([...others, ...own.filter(({ sites }) => sites.includes(site)).map(({ host }) => host)]);
    hosts.delete(change.host);
    if (hosts.size >= limit.atOnce) return [...hosts];
  }
  return [];
}

/** The other rollout that has one of these units in its hands on this host. */
export function busyWith(input: PlanInput, change: HostChange): string | undefined {
  for (const { unit } of change.units) {
    const other = input.others.busyUnits[hostUnit(change.host, unit)];
    if (other !== undefined && other !== input.rollout.id) return other;
  }
  return undefined;
}
