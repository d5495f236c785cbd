import type { Db } from "./store.ts";

/** Probe token by site. */
export function readProbeTokens(db: Db): Readonly<Record<string, string>> {
  const rows = db.all<{ site: string; token: string }>("SELECT site, token FROM probe_tokens");
  return Object.fromEntries(rows.map(({ site, token }) => [site, token]));
}

/** Gives a site its token once; it keeps the first one. */
export function ensureProbeToken(db: Db, site: string, token: string): void {
  db.run("INSERT INTO probe_tokens (site, token) VALUES (?, ?) ON CONFLICT (site) DO NOTHING", site, token);
}
