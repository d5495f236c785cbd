import { proxyUnit, type Site, siteUnit, type UnitRelease } from "@sluice/core";
import { frontFor, siteRelease } from "@sluice/core/fleet/configure-host";
import { sha256Text } from "@sluice/runtime";
import type { ConfiguredFleet } from "./fleet-desk.ts";
import type { ProvenReleases } from "./proven-releases.ts";

/**
 * What has to be live on a host for a release of a site to serve there: the site, its proxy and, on shared ports, a front
 * that leads to it and to the sites that are there already (a front never leads to a site without a release).
 */
export function releaseTargets(
  configured: ConfiguredFleet,
  proven: ProvenReleases,
  host: string,
  release: UnitRelease,
  site: string,
): readonly UnitRelease[] {
  const proxy = configured.configurationOf(host).proxies.find(({ unit }) => unit === proxyUnit(site));
  const front = frontFor(configured.fleet, host, [...proven.sitesOn(host), site], sha256Text);
  return [release, proxy, front].filter((target) => target !== undefined);
}

/** What the fleet wants of a site that is live on a host: its release as the file runs it now, and its proxy. */
export function settingsTargets(
  configured: ConfiguredFleet,
  proven: ProvenReleases,
  host: string,
  site: Site,
): readonly UnitRelease[] {
  const live = proven.releaseOf(host, siteUnit(site.name));
  if (live === undefined || !("run" in live.content)) return [];
  const proxy = configured.configurationOf(host).proxies.find(({ unit }) => unit === proxyUnit(site.name));
  const release = siteRelease(site, live.version, live.content.artifact, sha256Text);
  return [release, proxy].filter((target) => target !== undefined);
}

/** The front the fleet wants for the sites that are live on a host; undefined when none of them needs one. */
export function frontTarget(
  configured: ConfiguredFleet,
  proven: ProvenReleases,
  host: string,
): UnitRelease | undefined {
  return frontFor(configured.fleet, host, proven.sitesOn(host), sha256Text);
}

/** Those that differ from what is proven on the host. */
export function differing(
  proven: ProvenReleases,
  host: string,
  targets: readonly UnitRelease[],
): readonly UnitRelease[] {
  return targets.filter(({ unit, digest }) => proven.digestOf(host, unit) !== digest);
}
