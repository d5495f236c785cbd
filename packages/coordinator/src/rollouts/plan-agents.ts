import {
  agentRelease,
  agentUnit,
  type HostObservation,
  hostsServing,
  type Instant,
  isInstalledByHand,
  Problem,
  type UnitRelease,
} from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import { readProvenReleases } from "../fleet/proven-releases.ts";
import { appendEvent } from "../store/event-log.ts";
import { writeProven } from "../store/host-units.ts";
import type { Db } from "../store/store.ts";
import { writeUnitRelease } from "../store/unit-releases.ts";
import type { PlannedRollout } from "./launch.ts";
import { type Planning, planFor } from "./planning.ts";

/** The agents of all hosts that serve a site: as this release, or started again as they are. */
export function planAgents(
  planning: Planning,
  release: UnitRelease | undefined,
  environments: readonly string[],
): PlannedRollout {
  const { configured, proven } = planning;
  const targets = (host: string): readonly UnitRelease[] => {
    const wanted = release ?? proven.releaseOf(host, agentUnit);
    return wanted === undefined ? [] : [wanted];
  };
  const sites = configured.fleet.sites.map(({ name }) => name);
  return release === undefined
    ? planFor(planning, { kind: "restart", title: "restart agents", sites, environments, targets })
    : planFor(planning, { kind: "release", title: `agent ${release.version}`, sites, environments, targets });
}

export interface AdoptInput {
  readonly configured: ConfiguredFleet;
  readonly environments: readonly string[];
  readonly observationOf: Planning["observationOf"];
  readonly now: Instant;
}

/**
 * Before the first rollout of agents nothing is on record about them. What runs on a host because it was installed there by
 * hand is what comes back when a version fails, so it is taken for proven: by the word of the agent itself. Throws
 * `verb-refused` when a host does not say what its agent runs, since nobody could tell what it would go back to.
 */
export function adoptInstalledAgents(db: Db, { configured, environments, observationOf, now }: AdoptInput): void {
  const { fleet } = configured;
  const named = fleet.environments.filter(({ name }) => environments.includes(name));
  const concerned = named.flatMap((environment) => hostsServing(environment, fleet.sites));
  const proven = readProvenReleases(db);
  const running = new Map(concerned.map((host) => [host, agentOf(observationOf(host))] as const));
  const mute = concerned.filter((host) => running.get(host) === undefined);
  if (mute.length > 0) throw notWatched(mute);
  for (const [host, seen] of running) {
    if (seen === undefined) continue;
    const known = proven.releaseOf(host, agentUnit);
    const installed = agentRelease(seen.version, undefined, sha256Text);
    // What was rolled out stays proven, whatever was installed beside it; an upgrade by hand replaces what was there.
    const isNew = known === undefined || (isInstalledByHand(known) && known.digest !== seen.digest);
    if (!isNew || installed.digest !== seen.digest) continue;
    writeUnitRelease(db, installed);
    writeProven(db, { host, unit: agentUnit, digest: installed.digest, since: now, rollout: "by hand" });
    const sentence = `agent ${seen.version} runs on ${host} as it was installed there by hand, and is taken for proven`;
    appendEvent(db, { at: now, kind: "agent.adopted", by: "coordinator", sentence, host, details: { ...seen } });
  }
}

const agentOf = (observation: HostObservation | undefined) =>
  observation?.units.find(({ unit }) => unit === agentUnit)?.running;

function notWatched(hosts: readonly string[]): Problem {
  return new Problem(
    "verb-refused",
    `cannot change the agents: ${hosts.join(", ")} ${hosts.length === 1 ? "does" : "do"} not say what the agent there runs`,
    { hint: "it has to run under its watchdog (sluice agent run without --no-watchdog) and to be connected" },
  );
}
