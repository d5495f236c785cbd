import type { UnitKey } from "../intent/intent.ts";
import { parseUnit } from "../intent/intent.ts";
import type { HostChange, Rollout, Stage, StepState, Steps, WaveAt } from "./rollout.ts";

/** The state of one phase by its name. */
export type InPhase<State extends { readonly phase: string }, Name extends State["phase"]> = Extract<
  State,
  { readonly phase: Name }
>;

export const pending: StepState = { kind: "pending" };

/** The rollout has had its hands on the host. */
export const isTouched = ({ kind }: StepState): boolean => kind !== "pending" && kind !== "skipped";

export function stageAt(rollout: Rollout, at: WaveAt): Stage {
  const stage = rollout.stages[at.stage];
  if (stage === undefined) throw new RangeError(`rollout ${rollout.id} has no stage ${at.stage}`);
  return stage;
}

export function waveAt(rollout: Rollout, at: WaveAt): readonly HostChange[] {
  const wave = stageAt(rollout, at).waves[at.wave];
  if (wave === undefined) throw new RangeError(`rollout ${rollout.id} has no wave ${at.wave} in stage ${at.stage}`);
  return wave;
}

/** Hosts of a wave that it waits for: all but those that were skipped. */
export const takingPart = (rollout: Rollout, at: WaveAt, steps: Steps): readonly HostChange[] =>
  waveAt(rollout, at).filter(({ host }) => steps[host]?.kind !== "skipped");

/** The wave after this one; `undefined` after the last. Stages without hosts are passed over. */
export function nextWave(rollout: Rollout, at: WaveAt): WaveAt | undefined {
  if (at.wave + 1 < stageAt(rollout, at).waves.length) return { stage: at.stage, wave: at.wave + 1 };
  const stage = rollout.stages.findIndex((candidate, index) => index > at.stage && candidate.waves.length > 0);
  return stage === -1 ? undefined : { stage, wave: 0 };
}

/** A host's part of a rollout and where it stands in it. */
export interface Placed {
  readonly stage: Stage;
  readonly change: HostChange;
  readonly step: StepState;
}

/** Every host of the rollout in order, with its step. */
export function placedSteps(rollout: Rollout, steps: Steps): readonly Placed[] {
  return rollout.stages.flatMap((stage) =>
    stage.waves.flat().map((change) => ({ stage, change, step: steps[change.host] ?? pending })),
  );
}

interface Touched {
  /** Of the rollout. */
  readonly sites: readonly string[];
  readonly touched: readonly string[];
}

/** Every plan asks it of every host. */
const touchedByUnits = new WeakMap<readonly { readonly unit: UnitKey }[], Touched>();

/** Sites that users of this host may notice while the units change; front, agent and keeper are there for every site of the rollout. */
export function sitesTouched({ sites }: Rollout, units: readonly { readonly unit: UnitKey }[]): readonly string[] {
  const known = touchedByUnits.get(units);
  if (known?.sites === sites) return known.touched;
  const all = units.flatMap(({ unit }) => {
    const parsed = parseUnit(unit);
    return "site" in parsed ? [parsed.site] : sites;
  });
  const touched = [...new Set(all)].sort();
  touchedByUnits.set(units, { sites, touched });
  return touched;
}

const changesByStages = new WeakMap<Rollout["stages"], ReadonlyMap<string, readonly HostChange[]>>();

/** What a rollout changes on one host. */
export function changesOn({ stages }: Rollout, host: string): readonly HostChange[] {
  const known = changesByStages.get(stages);
  const changes =
    known ??
    Map.groupBy(
      stages.flatMap(({ waves }) => waves.flat()),
      (change) => change.host,
    );
  if (known === undefined) changesByStages.set(stages, changes);
  return changes.get(host) ?? [];
}

/** Units that a rollout changes on one host. */
export const unitsOn = (rollout: Rollout, host: string): readonly UnitKey[] =>
  changesOn(rollout, host).flatMap(({ units }) => units.map(({ unit }) => unit));

/** Key of a unit on a host in `busyUnits` and `proven`. */
export const hostUnit = (host: string, unit: string): string => `${host}/${unit}`;

/** Key of a site in an environment in `unavailable`. */
export const siteIn = (site: string, environment: string): string => `${site}/${environment}`;

/** `web-1`, `web-1 and web-2`, `web-1, web-2 and 5 more`. */
export function nameHosts(hosts: readonly string[]): string {
  const [first, second, third] = hosts;
  if (hosts.length <= 1) return first ?? "no host";
  if (hosts.length === 2) return `${first} and ${second}`;
  return hosts.length === 3 ? `${first}, ${second} and ${third}` : `${first}, ${second} and ${hosts.length - 2} more`;
}
