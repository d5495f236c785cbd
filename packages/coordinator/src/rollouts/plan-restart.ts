import { frontUnit, proxyUnit, siteUnit, type UnitKey, type UnitRelease } from "@sluice/core";
import type { PlannedRollout } from "./launch.ts";
import { renewalWords } from "./plan-renewal.ts";
import { type Planning, planFor } from "./planning.ts";

/** A site's slots or its proxy, started again as they are. */
export function planSiteRestart(
  planning: Planning,
  site: string,
  proxies: boolean,
  environments: readonly string[],
): PlannedRollout {
  const unit = proxies ? proxyUnit(site) : siteUnit(site);
  const what = proxies ? `restart proxies of ${site}` : `restart ${site}`;
  const title = `${what}${renewalWords(planning, unit, environments)}`;
  return planFor(planning, { kind: "restart", title, sites: [site], environments, targets: asProven(planning, unit) });
}

/** Every site's proxies, one rollout for each site, and the fronts. */
export function planProxyRestarts(planning: Planning, environments: readonly string[]): readonly PlannedRollout[] {
  const sites = planning.configured.fleet.sites.map(({ name }) => name);
  const targets = asProven(planning, frontUnit);
  const title = `restart fronts${renewalWords(planning, frontUnit, environments)}`;
  const fronts = planFor(planning, { kind: "restart", title, sites, environments, targets });
  return [...sites.map((site) => planSiteRestart(planning, site, true, environments)), fronts];
}

function asProven({ proven }: Planning, unit: UnitKey): (host: string) => readonly UnitRelease[] {
  return (host) => {
    const release = proven.releaseOf(host, unit);
    return release === undefined ? [] : [release];
  };
}
