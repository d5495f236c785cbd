import type { HostObservation, UnitObservation } from "../host/observation.ts";
import type { UnitKey } from "../intent/intent.ts";
import type { Instant } from "../units/time.ts";
import { describeUnit } from "../words/describe-unit.ts";
import type { NewEvent } from "./event.ts";

/** What the log says of a host; kept with the events, so that a restart of the coordinator tells nothing twice. */
export interface ToldHost {
  readonly silent: boolean;
  readonly remarks: readonly string[];
  readonly units: Readonly<Record<string, ToldUnit>>;
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
  before: ToldHost | undefined,
  now: Instant,
): HostTidings {
  const { host, remarks } = observation;
  const tell = teller(host, now);
  const isBusy = observation.grants.some(
    ({ progress }) => progress.kind === "preparing" || progress.kind === "provisional",
  );
  const told: [UnitKey, ToldUnit][] = [];
  const events: NewEvent[] = before === undefined ? [tell("host.joined", `${host} speaks for the first time`)] : [];
  for (const unit of observation.units) {
    const known = before?.units[unit.unit];
    const seen = isBusy && known?.condition !== "drifted" ? calm(unit) : toldUnit(unit, known);
    told.push([unit.unit, seen]);
    if (known !== undefined && !isBusy) events.push(...unitEvents(unit, known, seen, tell));
  }
  const fresh = remarks.filter((remark) => before?.remarks.includes(remark) !== true);
  events.push(...fresh.map((remark) => tell("host.remarked", `${host} says: ${remark}`)));
  return { events, told: { silent: before?.silent ?? false, remarks, units: Object.fromEntries(told) } };
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

type Tell = (kind: string, sentence: string, details?: object) => NewEvent;

const teller =
  (host: string, at: Instant): Tell =>
  (kind, sentence, details = {}) => ({ at, kind, by: host, sentence, host, details });

function toldUnit(unit: UnitObservation, known: ToldUnit | undefined): ToldUnit {
  const { running, desired, proven } = unit;
  if (running === undefined) return { ...known, condition: "down" };
  const { digest, pid } = running;
  const drifted = digest !== proven && digest !== desired && (proven !== undefined || desired !== undefined);
  return { condition: drifted ? "drifted" : "running", digest, pid };
}

/** What runs in the middle of a grant is taken as it is. */
const calm = ({ running }: UnitObservation): ToldUnit =>
  running === undefined ? { condition: "running" } : { condition: "running", digest: running.digest, pid: running.pid };

function unitEvents(unit: UnitObservation, known: ToldUnit, seen: ToldUnit, tell: Tell): readonly NewEvent[] {
  const { running, reasons } = unit;
  const name = describeUnit(unit.unit);
  const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  const details = {
    unit: unit.unit,
    sites: sitesOf(unit.unit),
    digest: running?.digest,
    pid: running?.pid,
    before: known,
  };
  if (seen.condition !== known.condition) {
    if (seen.condition === "drifted")
      return [tell("unit.drifted", `${name} runs ${running?.version}, which nobody granted${why}`, details)];
    if (seen.condition === "down") return [tell("unit.down", `${name} does not run${why}`, details)];
    if (known.condition === "drifted")
      return [tell("unit.settled", `${name} runs ${running?.version}, as it should`, details)];
  }
  const isAnother = seen.pid !== undefined && known.pid !== undefined && seen.pid !== known.pid;
  if (seen.condition === "down" || known.pid === undefined || !isAnother || seen.digest !== known.digest) return [];
  return [tell("unit.restarted", `${name} was started again and runs ${running?.version}, as before${why}`, details)];
}

const sitesOf = (unit: string): readonly string[] | undefined =>
  unit.includes(":") ? [unit.slice(unit.indexOf(":") + 1)] : undefined;
