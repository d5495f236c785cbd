import type { Site, UnitRelease } from "@sluice/core";
import { releaseTargets } from "../fleet/target-releases.ts";
import type { PlannedRollout } from "./launch.ts";
import { type Planning, planFor } from "./planning.ts";

/** A release of a site over its environments, with proxy and front where they are not there or differ. */
export function planRelease(
  planning: Planning,
  site: Site,
  release: UnitRelease,
  environments: readonly string[],
  oneWay: string | undefined,
): PlannedRollout {
  return planFor(planning, {
    kind: "release",
    title: `${site.name} ${release.version}`,
    sites: [site.name],
    environments,
    ...(oneWay === undefined ? {} : { oneWay }),
    targets: (host) => releaseTargets(planning.configured, planning.proven, host, release, site.name),
  });
}
