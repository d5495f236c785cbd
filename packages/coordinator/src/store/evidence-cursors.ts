import type { Instant } from "@sluice/core";
import type { Db } from "./store.ts";

/** How far an agent's batches are counted. `epochBegan` orders the epochs of one host. */
export interface EvidenceCursor {
  readonly epoch: string;
  readonly epochBegan: Instant;
  readonly seq: number;
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
