import { Problem } from "@sluice/core";
import { judgeLateHost, type LateHost } from "@sluice/core/rollout/judge-late-host";
import { changesOn, hostUnit, unitsOn } from "@sluice/core/rollout/wave";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import type { KnownHost } from "../hosts/roster.ts";
import { readBadReleases } from "../store/bad-releases.ts";
import { appendEvent } from "../store/event-log.ts";
import { readProven, restoreDesired } from "../store/host-units.ts";
import { lateFlag, readLateHosts, writeFlag } from "../store/meta.ts";
import { laterRolloutsOf, readActiveRollouts, readRollout, type StoredRollout } from "../store/rollouts.ts";
import type { Db, Store } from "../store/store.ts";
import type { RolloutDesk } from "./rollout-desk.ts";

export interface LateFacts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly configured: ConfiguredFleet;
  readonly findHost: (host: string) => KnownHost;
}

/**
 * Lets hosts that completed rollouts skipped follow once they are back, and gives up on what has been taken back meanwhile. What
 * is in the way now, another rollout or a halt of everything, may not be in a minute.
 */
export function followLateHosts(facts: LateFacts, rollouts: Pick<RolloutDesk, "follow">): void {
  for (const { rollout, host } of readLateHosts(facts.store)) {
    const stored = readRollout(facts.store, rollout);
    if (stored === undefined) continue;
    try {
      followOrDrop(facts, rollouts, stored, host);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      facts.log.info({ rollout, host, why: error.message }, "late-host.waits");
    }
  }
}

function followOrDrop(
  facts: LateFacts,
  rollouts: Pick<RolloutDesk, "follow">,
  stored: StoredRollout,
  host: string,
): void {
  const { rollout } = stored;
  const decision = judgeLateHost(lateHost(facts, stored, host));
  if (decision.kind === "follow") rollouts.follow({ ...decision, rollout });
  if (decision.kind === "drop") facts.store.transact((db) => leaveBehind(db, facts, stored, host, decision.why));
}

function leaveBehind(db: Db, { clock }: LateFacts, { rollout }: StoredRollout, host: string, why: string): void {
  writeFlag(db, lateFlag(rollout.id, host), undefined);
  restoreDesired(db, changesOn(rollout, host));
  appendEvent(db, {
    ...{ at: clock.now(), kind: "host.left-behind", by: "coordinator", rollout: rollout.id, host },
    sentence: `${host} was away when ${rollout.title} passed, and does not follow: ${why}`,
    details: { why },
  });
}

function lateHost({ store, configured, findHost }: LateFacts, stored: StoredRollout, host: string): LateHost {
  const { rollout, state, number } = stored;
  const units = unitsOn(rollout, host);
  const stage = rollout.stages.find(({ waves }) => waves.flat().some((change) => change.host === host));
  const environment = configured.fleet.environments.find(({ name }) => name === stage?.environment);
  const peers = environment?.hosts ?? [];
  const [later] = units.flatMap((unit) => laterRolloutsOf(store, host, unit, number));
  const active = readActiveRollouts(store).find((one) =>
    peers.some((peer) => unitsOn(one.rollout, peer).some((unit) => units.includes(unit))),
  );
  return {
    ...{ rollout, state, host, isConnected: findHost(host).connected, isThere: peers.includes(host) },
    proven: Object.fromEntries(readProven(store).map((one) => [hostUnit(one.host, one.unit), one.digest])),
    badReleases: readBadReleases(store),
    ...(later === undefined ? {} : { laterRollout: later }),
    ...(active === undefined ? {} : { activeRollout: active.rollout.id }),
  };
}
