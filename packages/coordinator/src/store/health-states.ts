import type { HealthState } from "@sluice/core";
import type { Db } from "./store.ts";

/** To be raised whenever {@link HealthState} means something else, or has parts that older ones lack. */
const format = 2;

/**
 * The tests of a rollout as they were saved last; undefined before they began, and when they were saved in another format: they
 * are then begun anew from the evidence of the last day, which is kept apart from them.
 */
export function readHealthState(db: Db, rollout: string): HealthState | undefined {
  const row = db.get<{ state: string }>("SELECT state FROM health_states WHERE rollout = ?", rollout);
  if (row === undefined) return undefined;
  const saved = JSON.parse(row.state) as { readonly format?: number; readonly tests: HealthState };
  return saved.format === format ? saved.tests : undefined;
}

export function writeHealthState(db: Db, rollout: string, tests: HealthState): void {
  db.run(
    `INSERT INTO health_states (rollout, state) VALUES (?, ?)
     ON CONFLICT (rollout) DO UPDATE SET state = excluded.state`,
    rollout,
    JSON.stringify({ format, tests }),
  );
}
