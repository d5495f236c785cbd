import { type Drift, type DriftSeen, describeDrift, isSameDrift } from "../host/drift.ts";
import type { HostObservation, UnitObservation } from "../host/observation.ts";
import type { UnitKey } from "../intent/intent.ts";
import { blindness } from "../rollout/blindness.ts";
import type { Instant } from "../units/time.ts";
import { describeUnit } from "../words/describe-unit.ts";
import { certificateEvents, type ToldCertificate } from "./certificate-events.ts";
import type { NewEvent } from "./event.ts";

/** What the log says of a host; kept with the events, so that a restart of the coordinator tells nothing twice. */
export interface ToldHost {
  readonly silent: boolean;
  readonly remarks: readonly string[];
  readonly units: Readonly<Record<string, ToldUnit>>;
  /** Those that its agent still speaks of; absent: none. */
  readonly drifts?: readonly ToldDrift[];
  /** What its proxies present; absent: none. */
  readonly certificates?: readonly ToldCertificate[];
}

export interface ToldDrift extends DriftSeen {
  readonly since: Instant;
  /** Its end was told as well. */
  readonly isOver: boolean;
}

export interface ToldUnit {
  readonly condition: "running" | "drifted" | "down";
  /** The process that ran last, and what it ran. */
  readonly digest?: string;
  readonly pid?: number;
}

export interface HostTidings {
  readonly events: readonly NewEvent[];
  readonly told: ToldHost;
}

/**
 * What a host's newest word changes in what is told of it: processes that were started again or are gone, drift from
 * what is proven and wanted (a break-glass switch among it), and remarks of its agent. While a grant is carried out
 * processes come and go on purpose, and the rollout's own events tell of them.
 */
export function observationEvents(
  observation: HostObservation,
  lastTold: ToldHost | undefined,
  now: Instant,
): HostTidings {
  const { host, remarks } = observation;
  const tell = teller(host, now);
  // Whoever speaks is not silent any more, and that comes before what it says.
  const back = silenceEvents(host, false, lastTold, now);
  const before = back?.told ?? lastTold;
  const isBusy = observation.grants.some(
    ({ progress }) => progress.kind === "preparing" || progress.kind === "provisional",
  );
  const told: [UnitKey, ToldUnit][] = [];
  const changed: UnitChange[] = [];
  for (const unit of observation.units) {
    const known = before?.units[unit.unit];
    const seen = isBusy && known?.condition !== "drifted" ? calm(unit) : toldUnit(unit, known);
    told.push([unit.unit, seen]);
    const kind = known === undefined || isBusy ? undefined : changeOf(known, seen);
    if (kind !== undefined) changed.push({ kind, unit, known });
  }
  const events: NewEvent[] = [...(back?.events ?? [])];
  if (before === undefined) events.push(tell("host.joined", `${host} speaks for the first time`));
  // A host that restarts takes all of its units along: that is one thing that happened, not one for each of them.
  for (const [kind, changes] of Map.groupBy(changed, (change) => change.kind))
    events.push(unitEvent(kind, changes, tell));
  const fresh = remarks.filter((remark) => before?.remarks.includes(remark) !== true);
  events.push(...fresh.map((remark) => tell("host.remarked", `${host} says: ${remark}`)));
  const drift = driftEvents(observation, before?.drifts ?? [], tell);
  events.push(...drift.events);
  const drifts = drift.told.length === 0 ? {} : { drifts: drift.told };
  // What is on trial may go back, and the rollout tells of it.
  const presented = isBusy
    ? { events: [], told: before?.certificates ?? [] }
    : certificateEvents(observation.units, before?.certificates, now, tell);
  events.push(...presented.events);
  const certificates = presented.told.length === 0 ? {} : { certificates: presented.told };
  const of = { silent: before?.silent ?? false, remarks, units: Object.fromEntries(told) };
  return { events, told: { ...of, ...drifts, ...certificates } };
}

/** Every drift once when it is found and once when it is over, also where it came and went since the host was heard last. */
function driftEvents(
  { drifts = [] }: HostObservation,
  before: readonly ToldDrift[],
  tell: Tell,
): { readonly events: readonly NewEvent[]; readonly told: readonly ToldDrift[] } {
  const isIt = (one: Drift | ToldDrift) => (other: Drift | ToldDrift) =>
    isSameDrift(one, other) && one.since === other.since;
  const fresh = drifts.filter((one) => !before.some(isIt(one)));
  const isOver = (one: ToldDrift): boolean =>
    drifts.find(isIt(one))?.overSince !== undefined || !drifts.some(isIt(one));
  const open = [...before.filter((one) => !one.isOver), ...fresh.map((one) => ({ ...one, isOver: false }))];
  return {
    events: [
      ...fresh.map((one) => driftEvent("drift.found", one, describeDrift(one), tell)),
      ...open.filter(isOver).map((one) => driftEvent("drift.over", one, overWords(one), tell)),
    ],
    told: drifts.map(({ kind, about, where, since, overSince }) => ({
      ...{ kind, about, where, since },
      isOver: overSince !== undefined,
    })),
  };
}

const overWords = ({ about, where }: DriftSeen): string =>
  `${about === "host" ? "the host" : describeUnit(about)}: ${where} is again as it should be`;

function driftEvent(kind: string, drift: DriftSeen, sentence: string, tell: Tell): NewEvent {
  const sites = drift.about === "host" ? [] : sitesOf(drift.about);
  const { about, where } = drift;
  return tell(kind, sentence, { kind: drift.kind, about, where, ...(sites.length === 0 ? {} : { sites }) });
}

/** Told when a host has not been heard of for too long, and when it speaks again. */
export function silenceEvents(
  host: string,
  silent: boolean,
  before: ToldHost | undefined,
  now: Instant,
): HostTidings | undefined {
  if (before === undefined || before.silent === silent) return undefined;
  const tell = teller(host, now);
  const event = silent
    ? tell("host.silent", `${host} has fallen silent: nothing is decided about it by that`)
    : tell("host.back", `${host} speaks again`);
  return { events: [event], told: { ...before, silent } };
}

/** Told when the coordinator loses sight of too many hosts at once, and when it decides by what it sees again. */
export function sightEvents(
  fleet: { readonly hosts: number; readonly silent: number },
  wasBlind: boolean,
  now: Instant,
): { readonly events: readonly NewEvent[]; readonly blind: boolean } {
  const found = blindness({ fleet });
  const blind = found !== undefined;
  if (blind === wasBlind) return { events: [], blind };
  const kind = blind ? "coordinator.blind" : "coordinator.sees-again";
  const sentence = found?.sentence ?? "enough hosts speak again: the coordinator decides by what it sees";
  return { events: [{ at: now, kind, by: "coordinator", sentence }], blind };
}

type Tell = (kind: string, sentence: string, details?: object) => NewEvent;

const teller =
  (host: string, at: Instant): Tell =>
  (kind, sentence, details = {}) => ({ at, kind, by: host, sentence, host, details });

function toldUnit(unit: UnitObservation, known: ToldUnit | undefined): ToldUnit {
  const { running, desired, proven } = unit;
  // Where nothing has passed yet, nothing has to run.
  if (running === undefined) return proven === undefined ? { condition: "running" } : { ...known, condition: "down" };
  const { digest, pid } = running;
  const drifted = digest !== proven && digest !== desired && (proven !== undefined || desired !== undefined);
  return { condition: drifted ? "drifted" : "running", digest, pid };
}

/** What runs in the middle of a grant is taken as it is. */
const calm = ({ running }: UnitObservation): ToldUnit =>
  running === undefined ? { condition: "running" } : { condition: "running", digest: running.digest, pid: running.pid };

interface UnitChange {
  readonly kind: UnitChangeKind;
  readonly unit: UnitObservation;
  readonly known: ToldUnit | undefined;
}

type UnitChangeKind = "unit.drifted" | "unit.down" | "unit.settled" | "unit.restarted";

function changeOf(known: ToldUnit, seen: ToldUnit): UnitChangeKind | undefined {
  if (seen.condition !== known.condition) {
    if (seen.condition === "drifted") return "unit.drifted";
    if (seen.condition === "down") return "unit.down";
    if (known.condition === "drifted") return "unit.settled";
  }
  const isAnother = seen.pid !== undefined && known.pid !== undefined && seen.pid !== known.pid;
  return seen.condition !== "down" && isAnother && seen.digest === known.digest ? "unit.restarted" : undefined;
}

function unitEvent(kind: UnitChangeKind, changes: readonly UnitChange[], tell: Tell): NewEvent {
  const units = changes.map(({ unit, known }) => ({ unit: unit.unit, ...unit.running, before: known }));
  const sites = [...new Set(units.flatMap(({ unit }) => sitesOf(unit)))];
  // The front serves every site: an event about it concerns all of them.
  const about = units.some(({ unit }) => unit === "front") ? {} : { sites };
  return tell(kind, sentenceOf(kind, changes), { units, ...about });
}

function sentenceOf(kind: UnitChangeKind, changes: readonly UnitChange[]): string {
  const [only, ...others] = changes;
  if (only === undefined || others.length > 0) {
    const named = changes.map(({ unit }) => describeUnit(unit.unit)).join(", ");
    return `${several[kind]}: ${named}`;
  }
  const { unit } = only;
  const name = describeUnit(unit.unit);
  const version = unit.running?.version;
  const why = unit.reasons.length === 0 ? "" : `: ${unit.reasons.join("; ")}`;
  switch (kind) {
    case "unit.drifted":
      return `${name} runs ${version}, which nobody granted${why}`;
    case "unit.down":
      return `${name} does not run${why}`;
    case "unit.settled":
      return `${name} runs ${version}, as it should`;
    case "unit.restarted":
      // Of a unit that waits for its grant the reasons are about that.
      return `${name} was started again and runs ${version}, as before${unit.desired === unit.running?.digest ? why : ""}`;
  }
}

const several: Readonly<Record<UnitChangeKind, string>> = {
  "unit.drifted": "these run what nobody granted",
  "unit.down": "these do not run",
  "unit.settled": "these run again what they should",
  "unit.restarted": "these were started again and run as before",
};

const sitesOf = (unit: string): readonly string[] => (unit.includes(":") ? [unit.slice(unit.indexOf(":") + 1)] : []);
