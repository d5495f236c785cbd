import { canonicalJson, type Instant, type Rollout, type RolloutState } from "@sluice/core";
import type { Db } from "./store.ts";

/** A rollout as it was planned and where it is. */
export interface StoredRollout {
  readonly rollout: Rollout;
  readonly state: RolloutState;
  readonly endedAt?: Instant;
  /** Grows with each rollout: a higher number was created later. */
  readonly number: number;
}

interface RolloutRow {
  readonly number: number;
  readonly id: string;
  readonly plan: string;
  readonly state: string;
  readonly ended_at: number | null;
}

export function insertRollout(db: Db, rollout: Rollout, state: RolloutState): void {
  db.run(
    "INSERT INTO rollouts (id, plan, state, phase) VALUES (?, ?, ?, ?)",
    rollout.id,
    canonicalJson(rollout),
    canonicalJson(state),
    state.phase,
  );
  const number = db.get<{ number: number }>("SELECT number FROM rollouts WHERE id = ?", rollout.id)?.number ?? 0;
  for (const change of rollout.stages.flatMap((stage) => stage.waves.flat())) {
    for (const { unit } of change.units) {
      db.run(
        "INSERT OR IGNORE INTO rollout_units (rollout, host, unit, number) VALUES (?, ?, ?, ?)",
        rollout.id,
        change.host,
        unit,
        number,
      );
    }
  }
}

/** Saves where a rollout is; `endedAt` is set once, when its phase is one that it never leaves. */
export function updateRollout(db: Db, id: string, state: RolloutState, endedAt: Instant | undefined): void {
  db.run(
    "UPDATE rollouts SET state = ?, phase = ?, ended_at = coalesce(ended_at, ?) WHERE id = ?",
    canonicalJson(state),
    state.phase,
    endedAt ?? null,
    id,
  );
}

/** Saves what has been added to a rollout since it was planned. */
export function updatePlan(db: Db, rollout: Rollout): void {
  db.run("UPDATE rollouts SET plan = ? WHERE id = ?", canonicalJson(rollout), rollout.id);
}

export function readRollout(db: Db, id: string): StoredRollout | undefined {
  const row = db.get<RolloutRow>("SELECT * FROM rollouts WHERE id = ?", id);
  return row === undefined ? undefined : fromRow(row);
}

/** Rollouts whose id ends so; people type the end of an id, which is random, not its beginning, which is time. */
export function readRolloutsEnding(db: Db, end: string): readonly StoredRollout[] {
  return db.all<RolloutRow>("SELECT * FROM rollouts WHERE substr(id, -length(?)) = ?", end, end).map(fromRow);
}

interface Parsed {
  readonly row: RolloutRow;
  readonly stored: StoredRollout;
}

/** Active rollouts as they were read last, by their id. */
const activeByDb = new WeakMap<Db, ReadonlyMap<string, Parsed>>();

/**
 * Rollouts that have not ended, oldest first. Every decision reads all of them: what has not been written since is the same
 * object, so that what follows from it need not be found out again.
 */
export function readActiveRollouts(db: Db): readonly StoredRollout[] {
  const before = activeByDb.get(db);
  const rows = db.all<RolloutRow>("SELECT * FROM rollouts WHERE ended_at IS NULL ORDER BY number");
  const active = rows.map((row) => ({ row, stored: readAgain(row, before?.get(row.id)) }));
  activeByDb.set(db, new Map(active.map((one) => [one.row.id, one])));
  return active.map(({ stored }) => stored);
}

function readAgain(row: RolloutRow, before: Parsed | undefined): StoredRollout {
  if (before?.row.plan !== row.plan) return fromRow(row);
  if (before.row.state === row.state) return before.stored;
  return { ...before.stored, state: JSON.parse(row.state) as RolloutState };
}

/** Rollouts that went back since then, oldest first. */
export function readRevertedSince(db: Db, since: Instant): readonly StoredRollout[] {
  return db
    .all<RolloutRow>("SELECT * FROM rollouts WHERE phase = 'reverted' AND ended_at >= ? ORDER BY number", since)
    .map(fromRow);
}

/** Whether a later rollout is about one of its sites. */
export const isFollowed = (db: Db, { rollout, number }: StoredRollout): boolean =>
  db.get(
    `SELECT 1 FROM rollouts, json_each(rollouts.plan, '$.sites') AS site
     WHERE rollouts.number > ? AND site.value IN (SELECT value FROM json_each(?)) LIMIT 1`,
    number,
    canonicalJson(rollout.sites),
  ) !== undefined;

/** Newest first. */
export function listRollouts(db: Db): readonly StoredRollout[] {
  return db.all<RolloutRow>("SELECT * FROM rollouts ORDER BY number DESC").map(fromRow);
}

/** Ids of rollouts created after `number` that touch the unit on the host. */
export function laterRolloutsOf(db: Db, host: string, unit: string, number: number): readonly string[] {
  return db
    .all<{ rollout: string }>(
      "SELECT rollout FROM rollout_units WHERE host = ? AND unit = ? AND number > ? ORDER BY number",
      host,
      unit,
      number,
    )
    .map((row) => row.rollout);
}

function fromRow(row: RolloutRow): StoredRollout {
  return {
    rollout: JSON.parse(row.plan) as Rollout,
    state: JSON.parse(row.state) as RolloutState,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at as Instant }),
    number: row.number,
  };
}
