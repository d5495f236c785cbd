import { createHash } from "node:crypto";
import { canonicalJson, type Instant, type NewEvent, type TimelineEvent } from "@sluice/core";
import type { Db } from "./store.ts";

/** One entry of the audit log: who did what, and why. */
export interface LoggedEvent extends Omit<TimelineEvent, "details"> {
  /** Canonical JSON. */
  readonly details: string;
  readonly prevHash: string;
  readonly hash: string;
}

/** What the first event of a log is chained to. */
const genesis = "0".repeat(64);

interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly kind: string;
  readonly by: string;
  readonly sentence: string;
  readonly rollout: string | null;
  readonly host: string | null;
  readonly details: string;
  readonly prev_hash: string;
  readonly hash: string;
}

/** Adds an event after the newest one, chained to it by hash. Part of the transaction of the decision it tells of. */
export function appendEvent(db: Db, event: NewEvent): LoggedEvent {
  const last = db.get<EventRow>("SELECT * FROM events ORDER BY seq DESC LIMIT 1");
  const { details, ...told } = event;
  const fresh = {
    ...told,
    seq: (last?.seq ?? 0) + 1,
    details: canonicalJson(details ?? {}),
    prevHash: last?.hash ?? genesis,
  };
  const logged: LoggedEvent = { ...fresh, hash: hashOf(fresh) };
  db.run(
    "INSERT INTO events (seq, at, kind, by, sentence, rollout, host, details, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    logged.seq,
    logged.at,
    logged.kind,
    logged.by,
    logged.sentence,
    logged.rollout ?? null,
    logged.host ?? null,
    logged.details,
    logged.prevHash,
    logged.hash,
  );
  return logged;
}

/** Up to `limit` events after `seq`, oldest first. */
export function readEvents(db: Db, afterSeq: number, limit: number): readonly LoggedEvent[] {
  return db.all<EventRow>("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", afterSeq, limit).map(fromRow);
}

export interface EventQuery {
  /** Only events after this one. */
  readonly afterSeq: number;
  readonly limit: number;
  /** Both included, by the coordinator's clock. */
  readonly since?: Instant | undefined;
  readonly until?: Instant | undefined;
  readonly rollout?: string | undefined;
  readonly host?: string | undefined;
  /** Events of its rollouts, those that name it, and those about the whole fleet. */
  readonly site?: string | undefined;
}

/** Sites that an event names by itself; an empty list, as that of a freeze, means all of them. */
const sitesNamed = "SELECT value FROM json_each(events.details, '$.sites')";

const ofSite = `(
  rollout IN (SELECT rollouts.id FROM rollouts, json_each(rollouts.plan, '$.sites') WHERE value = :site)
  OR (rollout IS NULL AND (:site IN (${sitesNamed}) OR NOT EXISTS (${sitesNamed})))
)`;

/** Up to `limit` of the events asked for, oldest first. */
export function findEvents(db: Db, query: EventQuery): readonly LoggedEvent[] {
  const { afterSeq, limit, since, until, rollout, host, site } = query;
  const asked: readonly (readonly [string, string | number | undefined])[] = [
    ["at >= :since", since],
    ["at <= :until", until],
    ["rollout = :rollout", rollout],
    ["host = :host", host],
    [ofSite, site],
  ];
  const given = asked.filter(([, value]) => value !== undefined);
  const where = ["seq > :afterSeq", ...given.map(([sql]) => sql)].join(" AND ");
  const values = { afterSeq, limit, since, until, rollout, host, site };
  const named = Object.entries(values).filter(([, value]) => value !== undefined) as [string, string | number][];
  const sql = `SELECT * FROM events WHERE ${where} ORDER BY seq LIMIT :limit`;
  return db.all<EventRow>(sql, Object.fromEntries(named)).map(fromRow);
}

/** What was started again since then. The kind stands in the text, so that its own index is used: it is asked all the time. */
export const readRestartsSince = (db: Db, since: Instant): readonly LoggedEvent[] =>
  db.all<EventRow>("SELECT * FROM events WHERE kind = 'unit.restarted' AND at >= ? ORDER BY at", since).map(fromRow);

/** Whether any rollout was ever about the site. */
export const isSiteOfRollouts = (db: Db, site: string): boolean =>
  db.get("SELECT 1 FROM rollouts, json_each(rollouts.plan, '$.sites') WHERE value = ? LIMIT 1", site) !== undefined;

/** Sequence number of the newest event; 0 when there is none. */
export function newestSeq(db: Db): number {
  return db.get<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM events")?.seq ?? 0;
}

/** The first event that does not follow from the one before it, or undefined when the whole log is as it was written. */
export function firstBrokenEvent(db: Db): number | undefined {
  let prevHash = genesis;
  let expected = 1;
  for (let page = readEvents(db, 0, 500); page.length > 0; page = readEvents(db, expected - 1, 500)) {
    for (const event of page) {
      if (event.seq !== expected || event.prevHash !== prevHash || hashOf(event) !== event.hash) return expected;
      prevHash = event.hash;
      expected += 1;
    }
  }
  return undefined;
}

function hashOf(event: Omit<LoggedEvent, "hash">): string {
  const { seq, at, kind, by, sentence, rollout, host, details, prevHash } = event;
  const told = canonicalJson({ seq, at, kind, by, sentence, rollout, host, details });
  return createHash("sha256").update(prevHash).update(told).digest("hex");
}

function fromRow(row: EventRow): LoggedEvent {
  return {
    seq: row.seq,
    at: row.at as Instant,
    kind: row.kind,
    by: row.by,
    sentence: row.sentence,
    ...(row.rollout === null ? {} : { rollout: row.rollout }),
    ...(row.host === null ? {} : { host: row.host }),
    details: row.details,
    prevHash: row.prev_hash,
    hash: row.hash,
  };
}
