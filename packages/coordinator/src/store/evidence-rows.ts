import { type Instant, instant } from "@sluice/core";
import { type Entry, packEntries, unpackEntries } from "./packed-entries.ts";
import type { Db } from "./store.ts";

/** One row holds everything that one host counted at one moment, so that adding to a day of history writes one row. */
export type EvidenceTable = "traffic_blocks" | "probe_rounds";

const momentOf = { traffic_blocks: "starts_at", probe_rounds: "round" } as const satisfies Record<
  EvidenceTable,
  string
>;

/** The entries of one host at one moment. */
export interface EvidenceRow {
  readonly at: Instant;
  readonly entries: readonly Entry[];
}

/** Adds to what is known of a moment. What a way had there already stays as it is: heard twice, counted once. */
export function addEntries(db: Db, table: EvidenceTable, host: string, { at, entries }: EvidenceRow): void {
  const moment = momentOf[table];
  const row = db.get<{ entries: Uint8Array }>(
    `SELECT entries FROM ${table} WHERE host = ? AND ${moment} = ?`,
    host,
    at,
  );
  const known = row === undefined ? [] : unpackEntries(row.entries);
  const ways = new Set(known.map(({ way }) => way));
  const fresh = entries.filter(({ way }) => !ways.has(way));
  if (fresh.length === 0) return;
  db.run(
    `INSERT INTO ${table} (host, ${moment}, entries) VALUES (?, ?, ?)
     ON CONFLICT (host, ${moment}) DO UPDATE SET entries = excluded.entries`,
    host,
    at,
    packEntries([...known, ...fresh]),
  );
}

export interface RowRange {
  readonly host: string;
  readonly from: Instant;
  /** The first moment that is left out. */
  readonly until: Instant;
}

/** Oldest first, with the entries of `ways` only. */
export function readEntries(
  db: Db,
  table: EvidenceTable,
  { host, from, until }: RowRange,
  ways: { has(way: number): boolean },
): readonly EvidenceRow[] {
  const moment = momentOf[table];
  const rows = db.all<{ at: number; entries: Uint8Array }>(
    `SELECT ${moment} AS at, entries FROM ${table} WHERE host = ? AND ${moment} >= ? AND ${moment} < ? ORDER BY ${moment}`,
    host,
    from,
    until,
  );
  return rows.flatMap(({ at, entries }) => {
    const wanted = unpackEntries(entries, ways);
    return wanted.length === 0 ? [] : [{ at: instant(at), entries: wanted }];
  });
}

/** The newest moment of which anything is known of a host. */
export function newestMoment(db: Db, table: EvidenceTable, host: string): Instant | undefined {
  const row = db.get<{ at: number | null }>(`SELECT max(${momentOf[table]}) AS at FROM ${table} WHERE host = ?`, host);
  return row?.at == null ? undefined : instant(row.at);
}

/** Forgets what one host counted before `before`; an index leads to it, so that it may be done with every batch. */
export function forgetBefore(db: Db, table: EvidenceTable, host: string, before: Instant): void {
  db.run(`DELETE FROM ${table} WHERE host = ? AND ${momentOf[table]} < ?`, host, before);
}

/** Hosts of which anything is known, also those that are in no fleet any more. */
export function hostsWithEvidence(db: Db, table: EvidenceTable): readonly string[] {
  return db.all<{ host: string }>(`SELECT DISTINCT host FROM ${table}`).map(({ host }) => host);
}
