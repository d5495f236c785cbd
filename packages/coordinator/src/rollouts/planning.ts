import {
  createRollout,
  type HostObservation,
  type Override,
  type Rollout,
  type UnitKey,
  type UnitRelease,
} from "@sluice/core";
import { renewedOn } from "@sluice/core/host/certificates";
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
  /** The newest word of a host. */
  readonly observationOf: (host: string) => HostObservation | undefined;
  /** Users' requests that came to the sites on a host lately. */
  readonly requestsOn: (host: string, sites: readonly string[]) => number;
}

/** What is to be rolled out; the rest follows from {@link Planning}. */
export interface Purpose {
  readonly kind: Rollout["kind"];
  readonly title: string;
  readonly sites: readonly string[];
  readonly environments?: readonly string[];
  readonly targets: (host: string) => readonly UnitRelease[];
  /** Names of certificates that the unit presents anew; of a restart by default those that a start would find renewed there. */
  readonly renews?: (host: string, unit: UnitKey) => readonly string[];
  /** See core's `Rollout`. */
  readonly oneWay?: string;
}

/** A rollout over the hosts where targets differ from what is proven, together with the releases it names. */
export function planFor(planning: Planning, purpose: Purpose): PlannedRollout {
  const { clock, ids, configured, proven, by, reason, overrides } = planning;
  const releases = new Map<string, UnitRelease>();
  const { targets, environments, renews: _, ...named } = purpose;
  const found = (host: string, unit: UnitKey) => renewedOn(planning.observationOf(host), unit).map(({ name }) => name);
  const { renews = purpose.kind === "restart" ? found : () => [] } = purpose;
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
      return wanted.map(({ unit, digest }) => {
        const names = renews(host, unit);
        return { unit, digest, ...(names.length === 0 ? {} : { renews: names }) };
      });
    },
    proven: proven.digestOf,
    requestsOn: planning.requestsOn,
  });
  return { rollout, releases: [...releases.values()] };
}
