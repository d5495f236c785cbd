import { canonicalJson, type ToldGates, type ToldHost } from "@sluice/core";
import type { Db } from "./store.ts";

/*
 * What the event log says last of something that changes by itself. Written in the transaction of the events, so that
 * whatever a coordinator tells after a crash is what has changed since, and nothing is told twice.
 */

export function readToldGates(db: Db, rollout: string): ToldGates | undefined {
  const row = db.get<{ told: string }>("SELECT told FROM told_gates WHERE rollout = ?", rollout);
  return row === undefined ? undefined : (JSON.parse(row.told) as ToldGates);
}

/** `undefined` forgets it: the rollout has ended. */
export function writeToldGates(db: Db, rollout: string, told: ToldGates | undefined): void {
  if (told === undefined) db.run("DELETE FROM told_gates WHERE rollout = ?", rollout);
  else {
    db.run(
      "INSERT INTO told_gates (rollout, told) VALUES (?, ?) ON CONFLICT (rollout) DO UPDATE SET told = excluded.told",
      rollout,
      canonicalJson(told),
    );
  }
}

export function readToldHosts(db: Db): ReadonlyMap<string, ToldHost> {
  const rows = db.all<{ host: string; told: string }>("SELECT host, told FROM told_hosts");
  return new Map(rows.map(({ host, told }) => [host, JSON.parse(told) as ToldHost]));
}

export function writeToldHost(db: Db, host: string, told: ToldHost): void {
  db.run(
    "INSERT INTO told_hosts (host, told) VALUES (?, ?) ON CONFLICT (host) DO UPDATE SET told = excluded.told",
    host,
    canonicalJson(told),
  );
}
