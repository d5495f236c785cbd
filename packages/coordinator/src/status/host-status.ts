import {
  between,
  type Drift,
  type DurationMs,
  describeDrift,
  durationMs,
  formatDuration,
  frontUnit,
  type HostObservation,
  type Instant,
  isProgramUnit,
  proxyUnit,
  siteUnit,
  type UnitKey,
} from "@sluice/core";
import { pendingAlertMsDefault } from "@sluice/core/fleet/fleet";
import { diffHost, type DesiredUnit as Wanted } from "@sluice/core/host/diff-host";
import { describeUnit } from "@sluice/core/words/describe-unit";
import { toWireObservation } from "@sluice/protocol";
import type { HostDrain, HostStatus, UnitStatus } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import type { KnownHost } from "../hosts/roster.ts";
import { readDesired, readProven } from "../store/host-units.ts";
import { readIntent } from "../store/intents.ts";
import type { Db } from "../store/store.ts";
import { readUnitRelease } from "../store/unit-releases.ts";

export interface StatusInput {
  readonly db: Db;
  readonly now: Instant;
  readonly configured: ConfiguredFleet;
  readonly findHost: (host: string) => KnownHost;
  readonly drainOf: (host: string) => HostDrain | undefined;
}

/** Desired, installed, running and proven of every unit of a host: four facts that may all differ. */
export function hostStatus({ db, now, configured, findHost, drainOf }: StatusInput, host: string): HostStatus {
  const known = findHost(host);
  const { environment, proxies, front } = configured.configurationOf(host);
  const { pendingAlertMs = pendingAlertMsDefault } =
    configured.fleet.environments.find(({ name }) => name === environment) ?? {};
  const units = proxies.flatMap(({ unit }) => [siteUnit(unit.slice("proxy:".length)), unit]);
  return {
    host,
    environment,
    connected: known.connected,
    lastSeenMs: known.lastSeen,
    observation: known.observation === undefined ? undefined : toWireObservation(known.observation),
    units: unitStatuses(db, now, host, known, front === undefined ? units : [...units, frontUnit], pendingAlertMs),
    generation: readIntent(db, host)?.generation ?? 0,
    drain: drainOf(host),
  };
}

/** True when the unit serves this site: its own release and proxy, and the front it shares. */
export const servesSite =
  (site: string) =>
  (unit: UnitStatus): boolean =>
    unit.unit === siteUnit(site) || unit.unit === proxyUnit(site) || unit.unit === frontUnit;

function unitStatuses(
  db: Db,
  now: Instant,
  host: string,
  known: KnownHost,
  configured: readonly UnitKey[],
  pendingAlertMs: DurationMs,
): UnitStatus[] {
  const label = (digest: string): string => readUnitRelease(db, digest)?.version ?? digest.slice(0, 15);
  const desired = readDesired(db).filter((one) => one.host === host);
  const proven = new Map(readProven(db).flatMap((one) => (one.host === host ? [[one.unit, one.digest] as const] : [])));
  const wanted = desired.map(({ unit, digest }): Wanted => ({ unit, digest, version: label(digest) }));
  const differences = diffHost(wanted, known.observation, now);
  const idle = configured.filter((unit) => !differences.some((one) => one.unit === unit));
  const statuses = differences.map((difference): UnitStatus => {
    const { unit, kind, sentence } = difference;
    const want = wanted.find((one) => one.unit === unit);
    const tooOld = tooLongWords(kind === "pending-activation" ? difference.since : undefined, now, pendingAlertMs);
    return {
      ...facts(unit, known.observation, label),
      desired: want?.version,
      proven: labelled(proven.get(unit), label),
      condition: kind === "unknown" ? "silent" : kind,
      sentence: `${sentence}${tooOld}`,
      pendingSinceMs: kind === "pending-activation" ? difference.since : undefined,
    };
  });
  const whole = [...statuses, ...idle.map((unit) => idleStatus(unit, known.observation, label))];
  const told = whole.map((unit) => withDrifts(unit, known.observation?.drifts ?? [], now));
  return known.connected ? told : told.map((unit) => silent(unit, known, now));
}

/** What somebody changed by hand is not as it should be, whatever runs. */
function withDrifts(unit: UnitStatus, drifts: readonly Drift[], now: Instant): UnitStatus {
  const open = drifts.filter(({ about, overSince }) => about === unit.unit && overSince === undefined);
  if (open.length === 0) return unit;
  const words = open.map((one) => `${describeDrift(one)}, for ${formatDuration(between(one.since, now))}`);
  const condition = unit.condition === "in-sync" ? "drifted" : unit.condition;
  return { ...unit, condition, sentence: [unit.sentence, ...words].join("; ") };
}

function tooLongWords(since: Instant | undefined, now: Instant, limitMs: DurationMs): string {
  return since === undefined || now - since <= limitMs ? "" : `; warning: longer than ${formatDuration(limitMs)}`;
}

const labelled = (digest: string | undefined, label: (digest: string) => string): string | undefined =>
  digest === undefined ? undefined : label(digest);

function facts(
  unit: UnitKey,
  observation: HostObservation | undefined,
  label: (digest: string) => string,
): Pick<UnitStatus, "unit" | "installed" | "running" | "previous" | "previousUntilMs"> {
  const seen = observation?.units.find((one) => one.unit === unit);
  return {
    unit,
    installed: (seen?.installed ?? []).map(label),
    // Nobody has pushed what was installed by hand, so it says itself what it is.
    running: isProgramUnit(unit) ? seen?.running?.version : labelled(seen?.running?.digest, label),
    previous: seen?.previous?.version,
    previousUntilMs: seen?.previous?.until,
  };
}

function idleStatus(
  unit: UnitKey,
  observation: HostObservation | undefined,
  label: (digest: string) => string,
): UnitStatus {
  const sentence = `${describeUnit(unit)} is in the fleet file and has no release here yet`;
  return { ...facts(unit, observation, label), condition: "idle", sentence };
}

/** The last word of a silent host may be out of date; what it said is still shown. */
function silent(unit: UnitStatus, { lastSeen }: KnownHost, now: Instant): UnitStatus {
  const since =
    lastSeen === undefined
      ? "has not been heard of since the coordinator's start"
      : `is silent for ${formatDuration(durationMs(now - lastSeen))}`;
  return { ...unit, condition: "silent", sentence: `host ${since}; last known: ${unit.sentence}` };
}
