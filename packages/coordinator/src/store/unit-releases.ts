import { canonicalJson, type UnitKey, type UnitRelease } from "@sluice/core";
import type { Db } from "./store.ts";

interface UnitReleaseRow {
  readonly digest: string;
  readonly unit: string;
  readonly version: string;
  readonly content: string;
}

/** Keeps a release under its digest; one that is there already stays as it is, label and all. */
export function writeUnitRelease(db: Db, release: UnitRelease): void {
  db.run(
    "INSERT INTO unit_releases (digest, unit, version, content) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
    release.digest,
    release.unit,
    release.version,
    canonicalJson(release.content),
  );
}

export function readUnitRelease(db: Db, digest: string): UnitRelease | undefined {
  const row = db.get<UnitReleaseRow>("SELECT * FROM unit_releases WHERE digest = ?", digest);
  return row === undefined ? undefined : fromRow(row);
}

/** Every release by digest. */
export function readUnitReleases(db: Db): ReadonlyMap<string, UnitRelease> {
  return new Map(db.all<UnitReleaseRow>("SELECT * FROM unit_releases").map((row) => [row.digest, fromRow(row)]));
}

function fromRow(row: UnitReleaseRow): UnitRelease {
  return {
    unit: row.unit as UnitKey,
    version: row.version,
    digest: row.digest,
    content: JSON.parse(row.content) as UnitRelease["content"],
  };
}
