import {
  type AlertFacts,
  type ChannelHealth,
  type ChannelTrouble,
  durationMs,
  type GateState,
  type Instant,
  instant,
  type PendingTooLong,
  type Restarted,
  type RolloutFacts,
  restartsWithinMs,
  revertedForMs,
  type ToldHost,
} from "@sluice/core";
import { type Environment, pendingAlertMsDefault } from "@sluice/core/fleet/fleet";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { readBadReleases } from "../store/bad-releases.ts";
import { readRestartsSince } from "../store/event-log.ts";
import { readPending } from "../store/pending-units.ts";
import { isFollowed, readActiveRollouts, readRevertedSince } from "../store/rollouts.ts";
import { readTestPage } from "../store/standing-orders.ts";
import type { Db } from "../store/store.ts";

export interface AlertSources {
  readonly store: Db;
  readonly fleets: Pick<FleetDesk, "applied">;
  /** What the log says of each host. */
  readonly told: () => ReadonlyMap<string, ToldHost>;
  /** Too many hosts are silent at once, in words. */
  readonly blind: () => string | undefined;
  /** Why nothing is decided at all; undefined in good order. */
  readonly standstill: () => string | undefined;
  /** The gates before the next wave of a rollout. */
  readonly gates: (rollout: string) => readonly GateState[];
  /** False: what the store says is an old backup's, so that only the coordinator itself is looked at. */
  readonly leads: () => boolean;
}

/** Everything that alerts are found in, as of now. */
export function alertFacts(
  sources: AlertSources,
  health: ReadonlyMap<string, ChannelHealth>,
  now: Instant,
): AlertFacts {
  const { store } = sources;
  const test = readTestPage(store);
  const [blind, standstill] = [sources.blind(), sources.standstill()];
  return {
    ...(sources.leads() ? fleetFacts(sources, now) : nothingKnown),
    now,
    channels: [...health.values()].flatMap(troubleOf),
    ...(blind === undefined ? {} : { blind }),
    ...(standstill === undefined ? {} : { standstill }),
    ...(test === undefined ? {} : { test }),
  };
}

type FleetFacts = Omit<AlertFacts, "now" | "channels" | "test" | "blind" | "standstill">;

/** Of the fleet. */
export const nothingKnown: FleetFacts = {
  environmentOf: new Map(),
  rollouts: [],
  badReleases: {},
  hosts: new Map(),
  pending: [],
  restarts: [],
};

function fleetFacts({ store, fleets, told, gates }: AlertSources, now: Instant): FleetFacts {
  const environments = fleets.applied?.fleet.environments ?? [];
  const active = readActiveRollouts(store).map(({ rollout, state }): RolloutFacts => {
    return { rollout, state, gates: gates(rollout.id), isFollowed: false };
  });
  const reverted = readRevertedSince(store, instant(now - revertedForMs)).map((stored): RolloutFacts => {
    return { rollout: stored.rollout, state: stored.state, gates: [], isFollowed: isFollowed(store, stored) };
  });
  return {
    environmentOf: new Map(environments.flatMap(({ name, hosts }) => hosts.map((host) => [host, name] as const))),
    rollouts: [...reverted, ...active],
    badReleases: readBadReleases(store),
    hosts: told(),
    pending: pendingTooLong(store, environments),
    restarts: readRestarts(store, instant(now - restartsWithinMs)),
  };
}

/** Those whose age has become an event; how old that is, the environment says. */
function pendingTooLong(store: Db, environments: readonly Environment[]): readonly PendingTooLong[] {
  const limitOf = new Map(
    environments.flatMap(({ hosts, pendingAlertMs = pendingAlertMsDefault }) =>
      hosts.map((host) => [host, pendingAlertMs] as const),
    ),
  );
  return readPending(store)
    .filter(({ alertedAt }) => alertedAt !== undefined)
    .map(({ host, unit, since }) => ({ host, unit, since, limitMs: limitOf.get(host) ?? durationMs(0) }));
}

function readRestarts(store: Db, since: Instant): readonly Restarted[] {
  return readRestartsSince(store, since).flatMap(({ host, at, details }) => {
    const { units = [] } = JSON.parse(details) as { readonly units?: readonly { readonly unit: string }[] };
    return host === undefined ? [] : units.map(({ unit }) => ({ host, unit, at }));
  });
}

const troubleOf = ({ channel, failing }: ChannelHealth): readonly ChannelTrouble[] =>
  failing === undefined ? [] : [{ channel, ...failing }];
