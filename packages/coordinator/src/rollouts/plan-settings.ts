import { frontUnit, proxyUnit, type Site, siteUnit, type UnitRelease } from "@sluice/core";
import { differing, frontTarget, settingsTargets } from "../fleet/target-releases.ts";
import { isEmpty, type PlannedRollout } from "./launch.ts";
import { type Planning, planFor } from "./planning.ts";

/**
 * The rollouts that bring the settings of a fleet to what is live: one for each site whose proxy (or way of running)
 * changes. Sites that share a changed front go in one rollout with it, because a front belongs to all of them.
 */
export function planSettings(planning: Planning): readonly PlannedRollout[] {
  const { fleet } = planning.configured;
  const fronts = fleet.hosts.map(({ name }) => name).filter((host) => frontChanges(planning, host));
  const changed = fleet.sites.filter((site) =>
    fleet.hosts.some(({ name }) => siteChanges(planning, name, site).length > 0),
  );
  const behind = fleet.sites.filter((site) => fronts.some((host) => isBehindFront(planning, host, site)));
  const alone = changed.filter((site) => !behind.includes(site));
  const planned = alone.map((site) => planSites(planning, [site], changed, new Set()));
  const together = behind.length === 0 ? [] : [planSites(planning, behind, changed, new Set(fronts))];
  return [...together, ...planned].filter((one) => !isEmpty(one));
}

function siteChanges({ configured, proven }: Planning, host: string, site: Site): readonly UnitRelease[] {
  if (!isOn(configured.configurationOf(host), site.name)) return [];
  return differing(proven, host, settingsTargets(configured, proven, host, site));
}

function frontChanges({ configured, proven }: Planning, host: string): boolean {
  const target = frontTarget(configured, proven, host);
  return target !== undefined && proven.digestOf(host, frontUnit) !== target.digest;
}

/** The site's users come in through the front of this host, before or after the change. */
function isBehindFront({ configured, proven }: Planning, host: string, site: Site): boolean {
  if (proven.digestOf(host, siteUnit(site.name)) === undefined) return false;
  const routed = [frontTarget(configured, proven, host), proven.releaseOf(host, frontUnit)];
  return routed.some(
    (front) =>
      front !== undefined &&
      "routes" in front.content &&
      front.content.routes.some((route) => route.site === site.name),
  );
}

const isOn = (configuration: { readonly proxies: readonly UnitRelease[] }, site: string): boolean =>
  configuration.proxies.some(({ unit }) => unit === proxyUnit(site));

function planSites(
  planning: Planning,
  sites: readonly Site[],
  changed: readonly Site[],
  fronts: ReadonlySet<string>,
): PlannedRollout {
  const named = sites.filter((site) => changed.includes(site));
  const title = `settings of ${(named.length === 0 ? sites : named).map(({ name }) => name).join(", ")}`;
  return planFor(planning, {
    kind: "settings",
    title,
    sites: sites.map(({ name }) => name),
    targets: (host) => {
      const units = sites.flatMap((site) => siteChanges(planning, host, site));
      const front = fronts.has(host) ? frontTarget(planning.configured, planning.proven, host) : undefined;
      return front === undefined ? units : [...units, front];
    },
  });
}
