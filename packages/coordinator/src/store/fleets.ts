import { canonicalJson, type Instant } from "@sluice/core";
import type { Db } from "./store.ts";

export interface FleetText {
  readonly name: string;
  readonly text: string;
}

/** The files of the fleet that was applied last; undefined before the first apply. */
export function readFleetFiles(db: Db): readonly FleetText[] | undefined {
  const row = db.get<{ files: string }>("SELECT files FROM fleets ORDER BY number DESC LIMIT 1");
  return row === undefined ? undefined : (JSON.parse(row.files) as readonly FleetText[]);
}

/** Keeps applied files as the newest; older ones stay for the record. */
export function writeFleetFiles(db: Db, files: readonly FleetText[], by: string, at: Instant): void {
  db.run("INSERT INTO fleets (at, by, files) VALUES (?, ?, ?)", at, by, canonicalJson(files));
}
