import type { Instant, PlanInput } from "@sluice/core";
import { awayOnPurpose } from "@sluice/core/reboots/judge-reboot";
import { sightOf } from "@sluice/core/rollout/blindness";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { readOrders } from "../store/standing-orders.ts";
import type { Store } from "../store/store.ts";
import type { Roster } from "./roster.ts";

/** Hosts whose silence is no news: they were drained by somebody, or told that they may reboot. One that does not come back is. */
export const awayNow = (store: Store, now: Instant): ReadonlySet<string> =>
  awayOnPurpose(readOrders(store, "reboot-lease"), readOrders(store, "drain"), now);

/** How much of the fleet is seen, of what is expected to be. */
export function fleetSight(
  store: Store,
  fleets: FleetDesk,
  roster: Roster,
  now: Instant,
): NonNullable<PlanInput["fleet"]> {
  const names = fleets.applied?.fleet.hosts.map(({ name }) => name) ?? [];
  return sightOf(roster.known(names), awayNow(store, now));
}
