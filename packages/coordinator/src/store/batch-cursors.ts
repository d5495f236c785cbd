import { type Instant, instant } from "@sluice/core";
import type { Db } from "./store.ts";

/** Where it is kept how far an agent's batches of one kind are counted. */
export type CursorTable = "traffic_cursors" | "probe_cursors";

/** How far an agent's batches are counted, and what it could not send. */
export interface BatchCursor {
  readonly epoch: string;
  readonly seq: number;
  /** Blocks, or results of probes, that the agents of this host had to drop since `droppedSince`. */
  readonly dropped: number;
  readonly droppedSince?: Instant;
}

export function readCursor(db: Db, table: CursorTable, host: string): BatchCursor | undefined {
  const row = db.get<{ epoch: string; seq: number; dropped: number; dropped_since: number | null }>(
    `SELECT * FROM ${table} WHERE host = ?`,
    host,
  );
  if (row === undefined) return undefined;
  const { epoch, seq, dropped, dropped_since: since } = row;
  return { epoch, seq, dropped, ...(since === null ? {} : { droppedSince: instant(since) }) };
}

export function writeCursor(
  db: Db,
  table: CursorTable,
  host: string,
  { epoch, seq, dropped, droppedSince }: BatchCursor,
): void {
  db.run(
    `INSERT INTO ${table} (host, epoch, seq, dropped, dropped_since) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (host) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, dropped = excluded.dropped,
       dropped_since = excluded.dropped_since`,
    host,
    epoch,
    seq,
    dropped,
    droppedSince ?? null,
  );
}

/** The cursor after one more batch that came in now. */
export function nextCursor(
  known: BatchCursor | undefined,
  { epoch, seq, dropped }: Pick<BatchCursor, "epoch" | "seq" | "dropped">,
  now: Instant,
): BatchCursor {
  const since = known?.droppedSince ?? (dropped > 0 ? now : undefined);
  const total = (known?.dropped ?? 0) + dropped;
  return { epoch, seq, dropped: total, ...(since === undefined ? {} : { droppedSince: since }) };
}
