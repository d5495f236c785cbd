import type { HealthState } from "@sluice/core";
import type { Db } from "./store.ts";

/** The tests of a rollout as they were saved last; undefined before they began. */
export function readHealthState(db: Db, rollout: string): HealthState | undefined {
  const row = db.get<{ state: string }>("SELECT state FROM health_states WHERE rollout = ?", rollout);
  return row === undefined ? undefined : (JSON.parse(row.state) as HealthState);
}

export function writeHealthState(db: Db, rollout: string, state: HealthState): void {
  db.run(
    `INSERT INTO health_states (rollout, state) VALUES (?, ?)
     ON CONFLICT (rollout) DO UPDATE SET state = excluded.state`,
    rollout,
    JSON.stringify(state),
  );
}
