import type { Way } from "@sluice/core";
import type { Db } from "./store.ts";

/** A way on which something was counted: by users, or by one probe of it. */
export interface KnownWay extends Way {
  readonly id: number;
  /** `GET /healthz`; empty for the traffic of users. */
  readonly probe: string;
}

interface WayRow {
  readonly id: number;
  readonly site: string;
  readonly binding: string;
  readonly binding_port: number;
  readonly hop: string;
  readonly probe: string;
}

/** The id of a way, from now on if it had none. Rows of evidence name their ways by it. */
export function ensureWay(db: Db, { site, binding, bindingPort, hop, probe }: Omit<KnownWay, "id">): number {
  const values = [site, binding, bindingPort, hop, probe] as const;
  const find =
    "SELECT id FROM evidence_ways WHERE site = ? AND binding = ? AND binding_port = ? AND hop = ? AND probe = ?";
  const known = db.get<{ id: number }>(find, ...values);
  if (known !== undefined) return known.id;
  db.run("INSERT INTO evidence_ways (site, binding, binding_port, hop, probe) VALUES (?, ?, ?, ?, ?)", ...values);
  return db.get<{ id: number }>(find, ...values)?.id ?? 0;
}

/** The ways of a site by id. */
export function readWays(db: Db, site: string): ReadonlyMap<number, KnownWay> {
  const rows = db.all<WayRow>("SELECT * FROM evidence_ways WHERE site = ? ORDER BY id", site);
  return new Map(rows.map((row) => [row.id, wayOf(row)]));
}

const wayOf = ({ id, site, binding, binding_port, hop, probe }: WayRow): KnownWay => ({
  ...{ id, site, binding, probe },
  bindingPort: binding_port,
  hop: hop as Way["hop"],
});
