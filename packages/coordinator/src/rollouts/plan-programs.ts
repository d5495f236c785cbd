import {
  type HostObservation,
  hostsServing,
  type Instant,
  isInstalledByHand,
  Problem,
  type ProgramUnit,
  programRelease,
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

/** The agents or keepers of all hosts that serve a site: as this release, or started again as they are. */
export function planPrograms(
  planning: Planning,
  unit: ProgramUnit,
  release: UnitRelease | undefined,
  environments: readonly string[],
): PlannedRollout {
  const { configured, proven } = planning;
  const targets = (host: string): readonly UnitRelease[] => {
    const wanted = release ?? proven.releaseOf(host, unit);
    return wanted === undefined ? [] : [wanted];
  };
  const sites = configured.fleet.sites.map(({ name }) => name);
  return release === undefined
    ? planFor(planning, { kind: "restart", title: `restart ${unit}s`, sites, environments, targets })
    : planFor(planning, { kind: "release", title: `${unit} ${release.version}`, sites, environments, targets });
}

export interface AdoptInput {
  readonly unit: ProgramUnit;
  readonly configured: ConfiguredFleet;
  readonly environments: readonly string[];
  readonly observationOf: Planning["observationOf"];
  readonly now: Instant;
}

/**
 * Before the first rollout of agents nothing is on record about them, nor about keepers before theirs. What runs on a host because it
 * was installed there by hand is what comes back when a version fails, so it is taken for proven: by the word of the program itself.
 * Throws `verb-refused` when a host does not say what runs, since nobody could tell what it would go back to.
 */
export function adoptInstalled(db: Db, { unit, configured, environments, observationOf, now }: AdoptInput): void {
  const { fleet } = configured;
  const named = fleet.environments.filter(({ name }) => environments.includes(name));
  const concerned = named.flatMap((environment) => hostsServing(environment, fleet.sites));
  const proven = readProvenReleases(db);
  const running = new Map(concerned.map((host) => [host, runningOn(observationOf(host), unit)] as const));
  const mute = concerned.filter((host) => running.get(host) === undefined);
  if (mute.length > 0) throw notTold(unit, mute);
  for (const [host, seen] of running) {
    if (seen === undefined) continue;
    const known = proven.releaseOf(host, unit);
    const installed = programRelease(unit, seen.version, undefined, sha256Text);
    // What was rolled out stays proven, whatever was installed beside it; an upgrade by hand replaces what was there.
    const isNew = known === undefined || (isInstalledByHand(known) && known.digest !== seen.digest);
    if (!isNew || installed.digest !== seen.digest) continue;
    writeUnitRelease(db, installed);
    writeProven(db, { host, unit, digest: installed.digest, since: now, rollout: "by hand" });
    const sentence = `${unit} ${seen.version} runs on ${host} as it was installed there by hand, and is taken for proven`;
    appendEvent(db, { at: now, kind: `${unit}.adopted`, by: "coordinator", sentence, host, details: { ...seen } });
  }
}

const runningOn = (observation: HostObservation | undefined, unit: ProgramUnit) =>
  observation?.units.find((one) => one.unit === unit)?.running;

/** What makes a host say what runs there. */
const hints: Readonly<Record<ProgramUnit, string>> = {
  agent: "it has to run under its watchdog (sluice agent run without --no-watchdog) and to be connected",
  keeper:
    "its agent has to be connected and of a version that knows keepers, and its keeper has to be handed over once by hand: docs/keepers.md, The first rollout",
};

function notTold(unit: ProgramUnit, hosts: readonly string[]): Problem {
  return new Problem(
    "verb-refused",
    `cannot change the ${unit}s: ${hosts.join(", ")} ${hosts.length === 1 ? "does" : "do"} not say what the ${unit} there runs`,
    { hint: hints[unit] },
  );
}
