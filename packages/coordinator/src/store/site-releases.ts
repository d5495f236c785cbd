import type { Instant } from "@sluice/core";
import type { Db } from "./store.ts";

/** A tarball that was pushed: a version of a site under the digest of its bytes. */
export interface PushedRelease {
  readonly site: string;
  readonly version: string;
  readonly digest: string;
  readonly bytes: number;
  readonly pushedAt: Instant;
}

interface ReleaseRow {
  readonly site: string;
  readonly version: string;
  readonly digest: string;
  readonly bytes: number;
  readonly pushed_at: number;
}

export function readPushedRelease(db: Db, site: string, version: string): PushedRelease | undefined {
  const row = db.get<ReleaseRow>("SELECT * FROM releases WHERE site = ? AND version = ?", site, version);
  return row === undefined ? undefined : fromRow(row);
}

/** Releases of one site, newest first. */
export function listPushedReleases(db: Db, site: string): readonly PushedRelease[] {
  return db
    .all<ReleaseRow>("SELECT * FROM releases WHERE site = ? ORDER BY pushed_at DESC, version DESC", site)
    .map(fromRow);
}

export function writePushedRelease(db: Db, release: PushedRelease, by: string): void {
  db.run(
    "INSERT INTO releases (site, version, digest, bytes, pushed_at, by) VALUES (?, ?, ?, ?, ?, ?)",
    release.site,
    release.version,
    release.digest,
    release.bytes,
    release.pushedAt,
    by,
  );
}

function fromRow(row: ReleaseRow): PushedRelease {
  return {
    site: row.site,
    version: row.version,
    digest: row.digest,
    bytes: row.bytes,
    pushedAt: row.pushed_at as Instant,
  };
}
