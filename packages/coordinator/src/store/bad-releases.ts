import type { Instant } from "@sluice/core";
import { releaseIn } from "@sluice/core/rollout/way-back";
import type { Db } from "./store.ts";

/** A release without a good verdict in an environment, though it may be proven on hosts of it. */
export interface BadRelease {
  readonly environment: string;
  readonly unit: string;
  readonly digest: string;
  readonly sentence: string;
  readonly rollout: string;
  readonly at: Instant;
}

/** Why each is bad, as decisions about rollouts look at it. */
export function readBadReleases(db: Db): Readonly<Record<string, string>> {
  const rows = db.all<BadRelease>("SELECT * FROM bad_releases");
  return Object.fromEntries(
    rows.map(({ environment, unit, digest, sentence }) => [releaseIn(environment, unit, digest), sentence]),
  );
}

/** The newest word on a release in an environment counts. */
export function writeBadRelease(db: Db, { environment, unit, digest, sentence, rollout, at }: BadRelease): void {
  db.run(
    `INSERT INTO bad_releases (environment, unit, digest, sentence, rollout, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (environment, unit, digest) DO UPDATE SET
       sentence = excluded.sentence, rollout = excluded.rollout, at = excluded.at`,
    environment,
    unit,
    digest,
    sentence,
    rollout,
    at,
  );
}

/** It has passed there meanwhile. */
export function clearBadRelease(
  db: Db,
  { environment, unit, digest }: Pick<BadRelease, "environment" | "unit" | "digest">,
): void {
  db.run("DELETE FROM bad_releases WHERE environment = ? AND unit = ? AND digest = ?", environment, unit, digest);
}
