import type { HostView, OtherRollouts, PlanInput, TurnAhead } from "./plan-input.ts";
import type { HostChange, Rollout, RolloutState, Stage, StepState, Steps } from "./rollout.ts";
import { hostUnit, pending, placedSteps, siteIn, sitesTouched, stageAt, waveAt } from "./wave.ts";

/** Between an order to change what is live and the host's word that it is done. */
const isMidActivation = ({ kind }: StepState): boolean =>
  kind === "activating" || kind === "withdrawing" || kind === "reverting";

/** The rollout has the units in its hands on this host: no other rollout may touch them. */
const holdsUnits = (step: StepState): boolean => isMidActivation(step) || step.kind === "provisional";

/** What one rollout keeps from others, as its steps stand. */
interface Held {
  readonly rollout: Rollout;
  readonly unavailable: Readonly<Record<string, readonly string[]>>;
  readonly busy: Readonly<Record<string, string>>;
}

/** Steps are replaced and never changed, and everybody who decides asks what all the others hold. */
const heldBySteps = new WeakMap<Steps, Held>();

function heldBy(rollout: Rollout, { steps }: RolloutState): Held {
  const known = heldBySteps.get(steps);
  if (known?.rollout === rollout) return known;
  const unavailable: Record<string, string[]> = {};
  const busy: Record<string, string> = {};
  for (const { stage, change, step } of placedSteps(rollout, steps)) {
    if (!holdsUnits(step)) continue;
    for (const { unit } of change.units) busy[hostUnit(change.host, unit)] = rollout.id;
    if (!isMidActivation(step)) continue;
    for (const site of sitesTouched(rollout, change.units)) {
      const hosts = unavailable[siteIn(site, stage.environment)];
      if (hosts === undefined) unavailable[siteIn(site, stage.environment)] = [change.host];
      else hosts.push(change.host);
    }
  }
  const held = { rollout, unavailable, busy };
  heldBySteps.set(steps, held);
  return held;
}

/** Hosts that a rollout keeps in the middle of an activation, by `site/environment`: its part of `others.unavailable`. */
export const unavailableHosts = (rollout: Rollout, state: RolloutState): Held["unavailable"] =>
  heldBy(rollout, state).unavailable;

/** `host/unit` keys that a rollout is changing, with its id: its part of `others.busyUnits`. */
export const busyUnits = (rollout: Rollout, state: RolloutState): Held["busy"] => heldBy(rollout, state).busy;

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
  const isBusy = older.length === 0 ? undefined : busyBesides(active);
  const ahead = isBusy === undefined ? [] : older.map((one) => turnsOf(one, isBusy, hosts));
  return {
    busyUnits: Object.assign({}, ...others.map(({ rollout, state }) => busyUnits(rollout, state))),
    unavailable: joined(unavailable),
    ahead: joined(ahead),
  };
}

/** Answers whether a unit of a host is in the hands of another rollout than this one. */
function busyBesides(active: readonly Standing[]): (rollout: string, hostUnit: string) => boolean {
  const holders = new Map<string, string>();
  const shared = new Set<string>();
  for (const { rollout, state } of active) {
    for (const key of Object.keys(busyUnits(rollout, state))) {
      if (holders.has(key)) shared.add(key);
      else holders.set(key, rollout.id);
    }
  }
  return (rollout, key) => shared.has(key) || (holders.get(key) ?? rollout) !== rollout;
}

/** Hosts of the rollout's wave that could have their turn now if there were room, by `site/environment`. */
function turnsOf(
  { rollout, state }: Standing,
  isBusy: ReturnType<typeof busyBesides>,
  hosts: Readonly<Record<string, HostView>>,
): Readonly<Record<string, readonly TurnAhead[]>> {
  if (state.phase !== "activating") return {};
  const { environment } = stageAt(rollout, state.at);
  const turns: Record<string, TurnAhead[]> = {};
  for (const { host, units } of waveAt(rollout, state.at)) {
    if ((state.steps[host] ?? pending).kind !== "pending" || hosts[host]?.connected !== true) continue;
    if (units.some(({ unit }) => isBusy(rollout.id, hostUnit(host, unit)))) continue;
    for (const site of sitesTouched(rollout, units)) {
      const key = siteIn(site, environment);
      turns[key] ??= [];
      turns[key].push({ rollout: rollout.id, host });
    }
  }
  return turns;
}

function joined<T>(parts: readonly Readonly<Record<string, readonly T[]>>[]): Readonly<Record<string, readonly T[]>> {
  const all: Record<string, readonly T[]> = {};
  for (const part of parts) {
    for (const [key, items] of Object.entries(part)) {
      const before = all[key];
      all[key] = before === undefined ? items : [...before, ...items];
    }
  }
  return all;
}

/** Hosts of one stage that take up room, by site: counted once for a plan, which adds to it with every turn that it gives. */
export type Taken = Map<string, string[]>;

/** Hosts of the stage whose steps are of these kinds. */
export function takenIn(rollout: Rollout, stage: Stage, steps: Steps, counting: readonly StepState["kind"][]): Taken {
  const taken: Taken = new Map();
  for (const change of stage.waves.flat())
    if (counting.includes(steps[change.host]?.kind ?? "pending")) take(taken, rollout, change);
  return taken;
}

/** One more host takes up room. */
export function take(taken: Taken, rollout: Rollout, { host, units }: HostChange): void {
  for (const site of sitesTouched(rollout, units)) {
    const hosts = taken.get(site);
    if (hosts === undefined) taken.set(site, [host]);
    else hosts.push(host);
  }
}

/** Room of one stage, for one more activation. */
export interface Room {
  readonly stage: Stage;
  readonly taken: Taken;
  readonly atOnce: number;
}

/** Turns of older rollouts that would fill the room there is left for one more activation on `change.host`. */
export function turnsAhead(input: PlanInput, change: HostChange, room: Room): readonly TurnAhead[] {
  for (const site of sitesTouched(input.rollout, change.units)) {
    const ahead = input.others.ahead?.[siteIn(site, room.stage.environment)] ?? [];
    const others = ahead.filter(({ host }) => host !== change.host);
    if (others.length === 0) continue;
    const atOnce = room.atOnce - new Set(others.map(({ host }) => host)).size;
    if (atOnce <= 0 || inTheWay(input, change, { ...room, atOnce }).length > 0) return others;
  }
  return [];
}

/** Hosts in the way of one more activation on `change.host`, or none when there is room for it. */
export function inTheWay(input: PlanInput, change: HostChange, { stage, taken, atOnce }: Room): readonly string[] {
  for (const site of sitesTouched(input.rollout, change.units)) {
    const others = input.others.unavailable[siteIn(site, stage.environment)] ?? [];
    const own = taken.get(site) ?? [];
    if (others.length + own.length < atOnce) continue;
    const hosts = new Set([...others, ...own]);
    hosts.delete(change.host);
    if (hosts.size >= atOnce) return [...hosts];
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
