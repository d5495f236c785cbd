import type { HostChange, Instant, UnitKey } from "@sluice/core";
import type { Db } from "./store.ts";

/** The release that passed on a host, and the one that had passed before it. */
export interface ProvenUnit {
  readonly host: string;
  readonly unit: UnitKey;
  readonly digest: string;
  readonly since: Instant;
  readonly previous?: string;
  /** The rollout that proved it. */
  readonly rollout: string;
}

interface ProvenRow {
  readonly host: string;
  readonly unit: string;
  readonly digest: string;
  readonly since: number;
  readonly previous: string | null;
  readonly rollout: string;
}

export function readProven(db: Db): readonly ProvenUnit[] {
  return db.all<ProvenRow>("SELECT * FROM proven ORDER BY host, unit").map((row) => ({
    host: row.host,
    unit: row.unit as UnitKey,
    digest: row.digest,
    since: row.since as Instant,
    ...(row.previous === null ? {} : { previous: row.previous }),
    rollout: row.rollout,
  }));
}

/** From now on `digest` is proven there; undefined: nothing is (a first activation was taken back). */
export function writeProven(
  db: Db,
  proven: Omit<ProvenUnit, "previous" | "digest"> & { readonly digest: string | undefined },
): void {
  const { host, unit, digest, since, rollout } = proven;
  if (digest === undefined) {
    db.run("DELETE FROM proven WHERE host = ? AND unit = ?", host, unit);
    return;
  }
  db.run(
    `INSERT INTO proven (host, unit, digest, since, previous, rollout) VALUES (?, ?, ?, ?, NULL, ?)
     ON CONFLICT (host, unit) DO UPDATE SET
       previous = CASE WHEN proven.digest = excluded.digest THEN proven.previous ELSE proven.digest END,
       since = CASE WHEN proven.digest = excluded.digest THEN proven.since ELSE excluded.since END,
       digest = excluded.digest, rollout = excluded.rollout`,
    host,
    unit,
    digest,
    since,
    rollout,
  );
}

export interface DesiredUnit {
  readonly host: string;
  readonly unit: UnitKey;
  readonly digest: string;
}

export function readDesired(db: Db): readonly DesiredUnit[] {
  return db.all<DesiredUnit>("SELECT host, unit, digest FROM desired ORDER BY host, unit");
}

/** From now on the fleet wants `digest` there in the end; undefined: nothing. */
export function writeDesired(
  db: Db,
  desired: Omit<DesiredUnit, "digest"> & { readonly digest: string | undefined },
): void {
  if (desired.digest === undefined) {
    db.run("DELETE FROM desired WHERE host = ? AND unit = ?", desired.host, desired.unit);
    return;
  }
  db.run(
    "INSERT INTO desired (host, unit, digest) VALUES (?, ?, ?) ON CONFLICT (host, unit) DO UPDATE SET digest = excluded.digest",
    desired.host,
    desired.unit,
    desired.digest,
  );
}

/** What these changes were to bring is wanted no longer: the proven releases are desired again. */
export function restoreDesired(db: Db, changes: readonly HostChange[]): void {
  const keyOf = ({ host, unit }: Pick<DesiredUnit, "host" | "unit">): string => `${host}/${unit}`;
  const proven = new Map(readProven(db).map((one) => [keyOf(one), one.digest]));
  const wanted = new Map(readDesired(db).map((one) => [keyOf(one), one.digest]));
  for (const { host, units } of changes) {
    for (const { unit, to } of units) {
      const key = keyOf({ host, unit });
      if (wanted.get(key) === to) writeDesired(db, { host, unit, digest: proven.get(key) });
    }
  }
}
