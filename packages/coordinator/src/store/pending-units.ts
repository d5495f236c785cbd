import type { Instant, UnitKey } from "@sluice/core";
import type { Db } from "./store.ts";

/** A unit of a host that does not run what is desired; remembered until the host itself says that it does. */
export interface PendingUnit {
  readonly host: string;
  readonly unit: UnitKey;
  readonly since: Instant;
  /** When its age became an event; once is enough. */
  readonly alertedAt?: Instant;
}

export function readPending(db: Db): readonly PendingUnit[] {
  return db
    .all<{ host: string; unit: string; since: number; alerted_at: number | null }>(
      "SELECT * FROM pending_units ORDER BY host, unit",
    )
    .map(({ host, unit, since, alerted_at }) => ({
      host,
      unit: unit as UnitKey,
      since: since as Instant,
      ...(alerted_at === null ? {} : { alertedAt: alerted_at as Instant }),
    }));
}

export function writePending(db: Db, { host, unit, since, alertedAt }: PendingUnit): void {
  db.run(
    `INSERT INTO pending_units (host, unit, since, alerted_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (host, unit) DO UPDATE SET since = excluded.since, alerted_at = excluded.alerted_at`,
    host,
    unit,
    since,
    alertedAt ?? null,
  );
}

export function removePending(db: Db, { host, unit }: Pick<PendingUnit, "host" | "unit">): void {
  db.run("DELETE FROM pending_units WHERE host = ? AND unit = ?", host, unit);
}
