import type { Instant } from "@sluice/core";
import type { Db } from "./store.ts";

/** A version of a site that nothing but a person's word may take back. */
export interface OneWayRelease {
  readonly site: string;
  readonly version: string;
  readonly why: string;
  readonly by: string;
  readonly at: Instant;
}

/** Why this version is one-way; undefined: it is not. */
export function readOneWay(db: Db, site: string, version: string): string | undefined {
  return db.get<{ readonly why: string }>(
    "SELECT why FROM one_way_releases WHERE site = ? AND version = ?",
    site,
    version,
  )?.why;
}

/** Notes it for good; what was said first stays. False when it was known already. */
export function writeOneWay(db: Db, { site, version, why, by, at }: OneWayRelease): boolean {
  if (readOneWay(db, site, version) !== undefined) return false;
  db.run(
    "INSERT INTO one_way_releases (site, version, why, by, at) VALUES (?, ?, ?, ?, ?)",
    site,
    version,
    why,
    by,
    at,
  );
  return true;
}
