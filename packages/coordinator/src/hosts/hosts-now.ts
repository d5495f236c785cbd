import type { HostView, Instant, PlanInput } from "@sluice/core";
import { hostUnit } from "@sluice/core/rollout/wave";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { readProven } from "../store/host-units.ts";
import { readIntent } from "../store/intents.ts";
import type { Store } from "../store/store.ts";
import { fleetSight } from "./fleet-sight.ts";
import type { Roster } from "./roster.ts";

export type HostsNow = Pick<PlanInput, "hosts" | "fleet" | "proven">;

/** What the hosts of the fleet say now, as decisions look at it. */
export function hostsNow(store: Store, fleets: FleetDesk, roster: Roster, now: Instant): HostsNow {
  const names = fleets.applied?.fleet.hosts.map(({ name }) => name) ?? [];
  return {
    hosts: Object.fromEntries(names.map((name) => [name, viewOf(store, roster, name)])),
    fleet: fleetSight(store, fleets, roster, now),
    proven: Object.fromEntries(readProven(store).map(({ host, unit, digest }) => [hostUnit(host, unit), digest])),
  };
}

function viewOf(store: Store, roster: Roster, host: string): HostView {
  const { connected, observation, silentSince } = roster.find(host);
  const silence = silentSince === undefined ? {} : { silentSince };
  if (observation === undefined) return { connected, ...silence };
  const newest = readIntent(store, host);
  const upToDate = observation.generation === newest?.generation && observation.intentDigest === newest.digest;
  return { connected, ...silence, observation, upToDate };
}
