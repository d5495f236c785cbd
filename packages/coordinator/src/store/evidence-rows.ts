import { type Instant, instant } from "@sluice/core";
import { type Entry, packEntries, unpackEntries } from "./packed-entries.ts";
import type { Db } from "./store.ts";

/**
 * One row holds everything that one host counted of one site at one moment: a block of traffic, or a round of probes. So adding to
 * a day of history writes one short row, and reading a site's history reads nothing else.
 */
export type EvidenceTable = "traffic_blocks" | "probe_rounds";

export interface EvidenceRow {
  readonly host: string;
  readonly site: string;
  readonly at: Instant;
  readonly entries: readonly Entry[];
}

/** Adds to what is known of a moment. What a way had there already stays as it is: heard twice, counted once. */
export function addEntries(db: Db, table: EvidenceTable, { host, site, at, entries }: EvidenceRow): void {
  const row = db.get<{ entries: Uint8Array }>(
    `SELECT entries FROM ${table} WHERE host = ? AND site = ? AND at = ?`,
    host,
    site,
    at,
  );
  const known = row === undefined ? [] : unpackEntries(row.entries);
  const ways = new Set(known.map(({ way }) => way));
  const fresh = entries.filter(({ way }) => !ways.has(way));
  if (fresh.length === 0) return;
  db.run(
    `INSERT INTO ${table} (host, site, at, entries) VALUES (?, ?, ?, ?)
     ON CONFLICT (host, site, at) DO UPDATE SET entries = excluded.entries`,
    host,
    site,
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

/** Of one site, oldest first. */
export function readEntries(
  db: Db,
  table: EvidenceTable,
  { host, from, until }: RowRange,
  site: string,
): readonly Pick<EvidenceRow, "at" | "entries">[] {
  const rows = db.all<{ at: number; entries: Uint8Array }>(
    `SELECT at, entries FROM ${table} WHERE host = ? AND site = ? AND at >= ? AND at < ? ORDER BY at`,
    host,
    site,
    from,
    until,
  );
  return rows.map(({ at, entries }) => ({ at: instant(at), entries: unpackEntries(entries) }));
}

/** The newest moment of which anything is known of a host, or of one site of it. */
export function newestMoment(db: Db, table: EvidenceTable, host: string, site?: string): Instant | undefined {
  const [of, values] = site === undefined ? ["", [host]] : [" AND site = ?", [host, site]];
  const row = db.get<{ at: number | null }>(`SELECT max(at) AS at FROM ${table} WHERE host = ?${of}`, ...values);
  return row?.at == null ? undefined : instant(row.at);
}

/** Forgets what one host counted before `before` of the sites of a batch; the key leads to it, so that every batch may do it. */
export function forgetBefore(
  db: Db,
  table: EvidenceTable,
  host: string,
  batch: readonly { readonly site: string }[],
  before: Instant,
): void {
  for (const site of new Set(batch.map((one) => one.site)))
    db.run(`DELETE FROM ${table} WHERE host = ? AND site = ? AND at < ?`, host, site, before);
}

/** Forgets everything before `before`, also of hosts and sites that are in no fleet any more. Reads the whole table. */
export function forgetAllBefore(db: Db, table: EvidenceTable, before: Instant): void {
  db.run(`DELETE FROM ${table} WHERE at < ?`, before);
}
