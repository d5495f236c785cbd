import type { UnitKey } from "@sluice/core";
import { frontUnit, parseUnit, proxyUnit } from "@sluice/core/intent/intent";

export interface ProxyChild {
  readonly unit: UnitKey;
  /** Grows with every proxy process started on the host. */
  readonly generation: number;
}

/** `proxy-<site>-<generation>`, `front-<generation>` */
export function proxyChildId(unit: UnitKey, generation: number): string {
  const parsed = parseUnit(unit);
  return "site" in parsed ? `proxy-${parsed.site}-${generation}` : `${parsed.kind}-${generation}`;
}

/** What a child of the keeper is; undefined when it is no proxy. */
export function parseProxyChildId(id: string): ProxyChild | undefined {
  const front = /^front-(\d+)$/.exec(id);
  if (front !== null) return { unit: frontUnit, generation: Number(front[1]) };
  const [, site, generation] = /^proxy-(.+)-(\d+)$/.exec(id) ?? [];
  return site === undefined ? undefined : { unit: proxyUnit(site), generation: Number(generation) };
}
