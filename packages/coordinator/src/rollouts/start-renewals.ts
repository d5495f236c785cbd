import { type Certificate, type Environment, type HostObservation, Problem } from "@sluice/core";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import type { KnownHost } from "../hosts/roster.ts";
import { readFlag } from "../store/meta.ts";
import type { Db } from "../store/store.ts";
import type { Renewal } from "./plan-renewal.ts";
import type { RolloutDesk } from "./rollout-desk.ts";

export interface RenewalFacts {
  readonly db: Db;
  readonly configured: ConfiguredFleet;
  readonly findHost: (host: string) => KnownHost;
}

/** Starts what {@link findRenewals} finds. What is in the way now, another rollout or a halt of everything, may not be in a minute. */
export function startRenewals(facts: RenewalFacts, rollouts: Pick<RolloutDesk, "renew">, log: Log): void {
  for (const renewal of findRenewals(facts)) {
    try {
      rollouts.renew(renewal);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      log.info({ ...renewal, why: error.message }, "renewal.waits");
    }
  }
}

/**
 * Renewed pairs for which a rollout is to be started: every host of the environment is here, and all that present the certificate
 * have found the very same one in its place. Each once,
 * whoever started it: what was halted is not tried again by a program.
 */
export function findRenewals(facts: RenewalFacts): readonly Renewal[] {
  const { environments, certificates } = facts.configured.fleet;
  const rolled = certificates.filter(({ renewal }) => renewal !== "report");
  return environments.flatMap((environment) =>
    rolled.flatMap((certificate) => renewalIn(facts, environment, certificate)),
  );
}

function renewalIn(
  { db, findHost }: RenewalFacts,
  { name: environment, hosts }: Environment,
  { name: certificate }: Certificate,
): readonly Renewal[] {
  const known = hosts.map(findHost);
  if (known.some(({ connected, observation }) => !connected || observation === undefined)) return [];
  const presented = known.flatMap(({ observation }) => presentedOn(observation, certificate));
  const [digest, ...others] = new Set(
    presented.map(({ problem, onDisk, running }) => problem ?? (onDisk ?? running).digest),
  );
  const isNew = presented.some(({ onDisk, problem }) => onDisk !== undefined && problem === undefined);
  if (digest === undefined || others.length > 0 || !isNew) return [];
  return readFlag(db, `renewal/${environment}/${certificate}`) === digest ? [] : [{ environment, certificate, digest }];
}

const presentedOn = (observation: HostObservation | undefined, certificate: string) =>
  (observation?.units ?? []).flatMap(({ certificates = [] }) =>
    certificates.filter(({ name }) => name === certificate),
  );
