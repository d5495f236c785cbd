import { instant, Problem } from "@sluice/core";
import type {
  Event,
  ReadEventsRequest,
  ReadEventsResponse,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Clock } from "@sluice/runtime";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { RolloutDesk } from "../rollouts/rollout-desk.ts";
import { findEvents, isSiteOfRollouts, type LoggedEvent } from "../store/event-log.ts";
import type { Store } from "../store/store.ts";

/** What a page may cost in memory and on the wire. */
const pageMax = 500;

export interface ReadEventsPorts {
  readonly store: Store;
  readonly fleets: FleetDesk;
  readonly rollouts: Pick<RolloutDesk, "require">;
  readonly clock: Clock;
}

/** One page of the log. Hosts and sites that are no more have their history all the same; what never was is a mistake. */
export function readEvents(
  { store, fleets, rollouts, clock }: ReadEventsPorts,
  { afterSeq, limit, sinceMs, untilMs, rolloutId, host, site }: ReadEventsRequest,
): ReadEventsResponse {
  if (sinceMs !== undefined && untilMs !== undefined && untilMs < sinceMs) {
    throw new Problem("usage-invalid", "cannot read events: the time asked for ends before it begins");
  }
  if (afterSeq === 0) assertKnown({ store, fleets }, { host, site });
  const size = limit > 0 ? Math.min(limit, pageMax) : pageMax;
  const found = findEvents(store, {
    afterSeq,
    limit: size + 1,
    since: sinceMs === undefined ? undefined : instant(sinceMs),
    until: untilMs === undefined ? undefined : instant(untilMs),
    rollout: rolloutId === undefined ? undefined : rollouts.require(rolloutId).rollout.id,
    host,
    site,
  });
  return { events: found.slice(0, size).map(wireEvent), more: found.length > size, nowMs: clock.now() };
}

/** A name that nobody ever knew is a slip of the pen: an empty answer would look like peace. */
function assertKnown(
  { store, fleets }: Pick<ReadEventsPorts, "store" | "fleets">,
  { host, site }: Pick<ReadEventsRequest, "host" | "site">,
): void {
  if (host !== undefined && findEvents(store, { afterSeq: 0, limit: 1, host }).length === 0) fleets.host(host);
  if (site !== undefined && !isSiteOfRollouts(store, site)) fleets.site(site);
}

export const wireEvent = ({ at, rollout, prevHash: _, hash: __, ...told }: LoggedEvent): Event => ({
  ...told,
  atMs: at,
  rolloutId: rollout,
  host: told.host,
});
