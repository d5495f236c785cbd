import { createRollout, type Override, type Rollout, type UnitRelease } from "@sluice/core";
import type { Clock, Ids } from "@sluice/runtime";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import type { ProvenReleases } from "../fleet/proven-releases.ts";
import type { PlannedRollout } from "./launch.ts";

/** Everything a plan for new rollouts looks at. */
export interface Planning {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly configured: ConfiguredFleet;
  readonly proven: ProvenReleases;
  readonly by: string;
  readonly reason?: string | undefined;
  readonly overrides: readonly Override[];
}

/** What is to be rolled out; the rest follows from {@link Planning}. */
export interface Purpose {
  readonly kind: Rollout["kind"];
  readonly title: string;
  readonly sites: readonly string[];
  readonly environments?: readonly string[];
  readonly targets: (host: string) => readonly UnitRelease[];
  /** See core's `Rollout`. */
  readonly oneWay?: string;
}

/** A rollout over the hosts where targets differ from what is proven, together with the releases it names. */
export function planFor(planning: Planning, purpose: Purpose): PlannedRollout {
  const { clock, ids, configured, proven, by, reason, overrides } = planning;
  const releases = new Map<string, UnitRelease>();
  const { targets, environments, ...named } = purpose;
  const rollout = createRollout({
    ...named,
    id: ids.newId("rollout"),
    by,
    ...(reason === undefined ? {} : { reason }),
    ...(environments === undefined ? {} : { environments }),
    createdAt: clock.now(),
    overrides,
    fleet: configured.fleet,
    targets: (host) => {
      const wanted = targets(host);
      for (const release of wanted) releases.set(release.digest, release);
      return wanted.map(({ unit, digest }) => ({ unit, digest }));
    },
    proven: proven.digestOf,
  });
  return { rollout, releases: [...releases.values()] };
}
