import { type Block, canonicalJson, type EvidenceLog, type Instant, type Stratum } from "@sluice/core";
import type { Db } from "./store.ts";

export type Series = EvidenceLog["series"][string];

/** How far an agent's batches are counted. `epochBegan` orders the epochs of one host. */
export interface EvidenceCursor {
  readonly epoch: string;
  readonly epochBegan: Instant;
  readonly seq: number;
}

interface SeriesRow {
  readonly series: string;
  readonly host: string;
  readonly stratum: string;
  readonly tails: string;
}

interface BlockRow {
  readonly series: string;
  readonly starts_at: number;
  readonly requests: number;
  readonly bad: number;
}

export function readEvidenceCursor(db: Db, host: string): EvidenceCursor | undefined {
  const row = db.get<{ epoch: string; epoch_began: number; seq: number }>(
    "SELECT * FROM evidence_cursors WHERE host = ?",
    host,
  );
  return row === undefined ? undefined : { epoch: row.epoch, epochBegan: row.epoch_began as Instant, seq: row.seq };
}

export function writeEvidenceCursor(db: Db, host: string, { epoch, epochBegan, seq }: EvidenceCursor): void {
  db.run(
    `INSERT INTO evidence_cursors (host, epoch, epoch_began, seq) VALUES (?, ?, ?, ?)
     ON CONFLICT (host) DO UPDATE SET epoch = excluded.epoch, epoch_began = excluded.epoch_began, seq = excluded.seq`,
    host,
    epoch,
    epochBegan,
    seq,
  );
}

/** Everything heard before the last stop. */
export function readEvidence(db: Db): EvidenceLog {
  const cursors = db.all<{ host: string; epoch_began: number; seq: number }>(
    "SELECT host, epoch_began, seq FROM evidence_cursors",
  );
  const blocks = Map.groupBy(
    db.all<BlockRow>("SELECT * FROM evidence_blocks ORDER BY series, starts_at"),
    (row) => row.series,
  );
  const series = db.all<SeriesRow>("SELECT * FROM evidence_series").map((row): [string, Series] => [
    row.series,
    {
      host: row.host,
      stratum: JSON.parse(row.stratum) as Stratum,
      blocks: (blocks.get(row.series) ?? []).map(blockOf),
      tails: JSON.parse(row.tails) as Series["tails"],
    },
  ]);
  return {
    heard: Object.fromEntries(cursors.map((row) => [row.host, { epoch: row.epoch_began as Instant, seq: row.seq }])),
    series: Object.fromEntries(series),
  };
}

/** Saves what a batch changed in one series: blocks are written one by one, so that hours of history cost nothing. */
export function writeSeries(db: Db, key: string, series: Series, before: Series | undefined): void {
  db.run(
    `INSERT INTO evidence_series (series, host, stratum, tails) VALUES (?, ?, ?, ?)
     ON CONFLICT (series) DO UPDATE SET tails = excluded.tails`,
    key,
    series.host,
    canonicalJson(series.stratum),
    canonicalJson(series.tails),
  );
  const known = new Set(before?.blocks);
  for (const block of series.blocks) if (!known.has(block)) writeBlock(db, key, block);
  const oldest = series.blocks[0]?.startsAt ?? 0;
  if (oldest !== before?.blocks[0]?.startsAt)
    db.run("DELETE FROM evidence_blocks WHERE series = ? AND starts_at < ?", key, oldest);
}

function writeBlock(db: Db, key: string, { startsAt, requests, bad }: Block): void {
  db.run(
    `INSERT INTO evidence_blocks (series, starts_at, requests, bad) VALUES (?, ?, ?, ?)
     ON CONFLICT (series, starts_at) DO UPDATE SET requests = excluded.requests, bad = excluded.bad`,
    key,
    startsAt,
    requests,
    bad,
  );
}

const blockOf = (row: BlockRow): Block => ({
  startsAt: row.starts_at as Instant,
  requests: row.requests,
  bad: row.bad,
});
