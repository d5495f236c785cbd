import { type DurationMs, type Instant, instant, type NewEvent, Problem } from "@sluice/core";
import { pendingAlertMsDefault } from "@sluice/core/fleet/fleet";
import { diffHost, type UnitDifference } from "@sluice/core/host/diff-host";
import { between, formatDuration } from "@sluice/core/units/time";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import type { KnownHost } from "../hosts/roster.ts";
import { appendEvent } from "../store/event-log.ts";
import { type DesiredUnit, readDesired } from "../store/host-units.ts";
import { type PendingUnit, readPending, removePending, writePending } from "../store/pending-units.ts";
import type { Db, Store } from "../store/store.ts";
import { readUnitRelease } from "../store/unit-releases.ts";

export interface PendingWatchInput {
  readonly store: Store;
  readonly now: Instant;
  readonly configured: ConfiguredFleet;
  readonly findHost: (host: string) => KnownHost;
}

/**
 * Takes in which units do not run what is desired, by the newest word of every host, and makes an event of each that has
 * been so for longer than its environment allows: once, until it is over. A silent host changes nothing of what is known. True when something was saved.
 */
export function watchPending(input: PendingWatchInput): boolean {
  const { store, now, configured, findHost } = input;
  const before = new Map(readPending(store).map((one) => [keyOf(one), one]));
  const wanted = Map.groupBy(readDesired(store), ({ host }) => host);
  const changes = configured.fleet.environments.flatMap(({ hosts, pendingAlertMs = pendingAlertMsDefault }) =>
    hosts.flatMap((host) => {
      const { connected, observation } = findHost(host);
      if (!connected || observation === undefined) return [];
      const desired = (wanted.get(host) ?? []).map((one) => labelled(store, one));
      return diffHost(desired, observation, now).flatMap((difference) =>
        changesOf({ host, difference, had: before.get(keyOf({ host, unit: difference.unit })), pendingAlertMs, now }),
      );
    }),
  );
  if (changes.length === 0) return false;
  store.transact((db) => {
    for (const change of changes) change(db);
  });
  return true;
}

/** One unit of a host, what is remembered of it, and how long it may be pending. */
interface Looked {
  readonly host: string;
  readonly difference: UnitDifference;
  readonly had: PendingUnit | undefined;
  readonly pendingAlertMs: DurationMs;
  readonly now: Instant;
}

/** What has to be saved of one unit; nothing when all of it is known. */
function changesOf(looked: Looked): readonly ((db: Db) => void)[] {
  const { host, difference, had, pendingAlertMs, now } = looked;
  if (!isPending(difference)) return had === undefined ? [] : [(db) => removePending(db, had)];
  const told = difference.kind === "pending-activation" ? (difference.since ?? now) : now;
  const since = instant(Math.min(had?.since ?? now, told));
  const isDue = had?.alertedAt === undefined && between(since, now) > pendingAlertMs;
  if (had !== undefined && had.since === since && !isDue) return [];
  const next: PendingUnit = { ...had, host, unit: difference.unit, since, ...(isDue ? { alertedAt: now } : {}) };
  const save = (db: Db): void => writePending(db, next);
  return isDue ? [save, (db) => void appendEvent(db, alertOf(looked, since))] : [save];
}

function alertOf({ host, difference, pendingAlertMs, now }: Looked, since: Instant): NewEvent {
  const { unit, sentence } = difference;
  const limit = formatDuration(pendingAlertMs);
  return {
    ...{ at: now, kind: "unit.pending-too-long", by: "coordinator", host, details: { unit, since } },
    sentence: `${sentence}; pending for ${formatDuration(between(since, now))}, longer than ${limit}`,
  };
}

/** Of what a disk without room keeps from being saved nothing is lost: the next look finds it again. */
export function watchPendingOrWait(input: PendingWatchInput): boolean {
  try {
    return watchPending(input);
  } catch (error) {
    if (!(error instanceof Problem) || error.reason !== "disk-full") throw error;
    return false;
  }
}

const keyOf = ({ host, unit }: Pick<PendingUnit, "host" | "unit">): string => `${host} ${unit}`;

const isPending = ({ kind }: UnitDifference): boolean => kind === "pending-activation" || kind === "not-installed";

const labelled = (db: Db, { unit, digest }: DesiredUnit) => ({
  unit,
  digest,
  version: readUnitRelease(db, digest)?.version ?? digest,
});
