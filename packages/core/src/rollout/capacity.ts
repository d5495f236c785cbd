import type { HostView, OtherRollouts, PlanInput, TurnAhead } from "./plan-input.ts";
import type { HostChange, Rollout, RolloutState, Stage, StepState, Steps } from "./rollout.ts";
import { hostUnit, pending, placedSteps, siteIn, sitesTouched, stageAt, waveAt } from "./wave.ts";

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

/** A rollout with its state, for whoever looks at several. */
export interface Standing {
  readonly rollout: Rollout;
  readonly state: RolloutState;
}

/**
 * What the others hold, and who of them goes first. `active` is in order of age, oldest first, and so is the queue for
 * room: without it the rollout whose host has just finished would take the next turn again and again.
 */
export function othersOf(
  id: string,
  active: readonly Standing[],
  hosts: Readonly<Record<string, HostView>>,
): OtherRollouts {
  const others = active.filter(({ rollout }) => rollout.id !== id);
  const older = active.slice(
    0,
    Math.max(
      0,
      active.findIndex(({ rollout }) => rollout.id === id),
    ),
  );
  const unavailable = others.map(({ rollout, state }) => unavailableHosts(rollout, state));
  const ahead = older.map((one) => turnsOf(one, active, hosts));
  return {
    busyUnits: Object.assign({}, ...others.map(({ rollout, state }) => busyUnits(rollout, state))),
    unavailable: joined(unavailable),
    ahead: joined(ahead),
  };
}

/** Hosts of the rollout's wave that could have their turn now if there were room, by `site/environment`. */
function turnsOf(
  { rollout, state }: Standing,
  active: readonly Standing[],
  hosts: Readonly<Record<string, HostView>>,
): Readonly<Record<string, readonly TurnAhead[]>> {
  if (state.phase !== "activating") return {};
  const busy: Readonly<Record<string, string>> = Object.assign(
    {},
    ...active.filter((one) => one.rollout.id !== rollout.id).map((one) => busyUnits(one.rollout, one.state)),
  );
  const { environment } = stageAt(rollout, state.at);
  const waiting = waveAt(rollout, state.at).filter(
    ({ host, units }) =>
      (state.steps[host] ?? pending).kind === "pending" &&
      hosts[host]?.connected === true &&
      units.every(({ unit }) => busy[hostUnit(host, unit)] === undefined),
  );
  return joined(
    waiting.map(({ host, units }) =>
      Object.fromEntries(
        sitesTouched(rollout, units).map((site) => [siteIn(site, environment), [{ rollout: rollout.id, host }]]),
      ),
    ),
  );
}

function joined<T>(parts: readonly Readonly<Record<string, readonly T[]>>[]): Readonly<Record<string, readonly T[]>> {
  const all: Record<string, readonly T[]> = {};
  for (const [key, items] of parts.flatMap((part) => Object.entries(part))) all[key] = [...(all[key] ?? []), ...items];
  return all;
}

/** Turns of older rollouts that would fill the room there is left for one more activation on `change.host`. */
export function turnsAhead(
  input: PlanInput,
  steps: Steps,
  stage: Stage,
  change: HostChange,
  limit: Parameters<typeof inTheWay>[4],
): readonly TurnAhead[] {
  for (const site of sitesTouched(input.rollout, change.units)) {
    const ahead = input.others.ahead?.[siteIn(site, stage.environment)] ?? [];
    const others = ahead.filter(({ host }) => host !== change.host);
    if (others.length === 0) continue;
    const room = limit.atOnce - new Set(others.map(({ host }) => host)).size;
    if (room <= 0 || inTheWay(input, steps, stage, change, { ...limit, atOnce: room }).length > 0) return others;
  }
  return [];
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
