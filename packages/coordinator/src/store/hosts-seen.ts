import type { Instant } from "@sluice/core";
import type { Db } from "./store.ts";

/** Hosts whose agent has spoken at least once, ever. Silence means something only of them. */
export function readHostsSeen(db: Db): readonly string[] {
  return db.all<{ host: string }>("SELECT host FROM hosts_seen ORDER BY host").map(({ host }) => host);
}

/** Remembers that a host's agent has spoken; the first time counts. */
export function writeHostSeen(db: Db, host: string, at: Instant): void {
  db.run("INSERT INTO hosts_seen (host, first_seen) VALUES (?, ?) ON CONFLICT (host) DO NOTHING", host, at);
}
