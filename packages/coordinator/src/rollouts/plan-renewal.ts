import { frontUnit, proxyUnit, type UnitKey, type UnitRelease } from "@sluice/core";
import { dayOf, renewedOn } from "@sluice/core/host/certificates";
import { writeFlag } from "../store/meta.ts";
import type { Db } from "../store/store.ts";
import type { PlannedRollout } from "./launch.ts";
import { type Planning, planFor } from "./planning.ts";

/** A pair that hosts of an environment found on their disks in the place of what they present. */
export interface Renewal {
  readonly environment: string;
  readonly certificate: string;
  /** Of the renewed certificate; of the first of them where every host has a pair of its own. */
  readonly digest: string;
  /** Hosts that renew pairs of their own. Absent: every host of the environment has the same. */
  readonly hosts?: readonly string[];
}

/** Everything in the environment that presents a certificate which was renewed, started again with it: one step a host. */
export function planRenewal(planning: Planning, { environment, certificate, hosts: own }: Renewal): PlannedRollout {
  const { configured, observationOf, proven } = planning;
  const { fleet } = configured;
  const hosts = fleet.environments.find(({ name }) => name === environment)?.hosts ?? [];
  const names = fleet.sites.map(({ name }) => name);
  // Other environments present pairs of their own, and have rollouts of their own.
  const isMeant = (host: string) => hosts.includes(host) && own?.includes(host) !== false;
  const unitsOn = (host: string): readonly UnitKey[] =>
    !isMeant(host)
      ? []
      : [...names.map(proxyUnit), frontUnit].filter(
          (unit) => renewedOn(observationOf(host), unit, certificate).length > 0,
        );
  const touched = new Set(hosts.flatMap(unitsOn));
  const sites = touched.has(frontUnit) ? names : names.filter((name) => touched.has(proxyUnit(name)));
  return planFor(planning, {
    kind: "restart",
    title: `restart what presents certificate ${certificate} in ${environment}`,
    sites,
    environments: [environment],
    targets: (host) =>
      unitsOn(host).flatMap((unit): readonly UnitRelease[] => {
        const release = proven.releaseOf(host, unit);
        return release === undefined ? [] : [release];
      }),
  });
}

/** `, with certificate shop until 2027-02-24`; empty where a restart presents what is presented already. */
export function renewalWords(
  { configured, observationOf }: Pick<Planning, "configured" | "observationOf">,
  unit: UnitKey,
  environments: readonly string[],
): string {
  const hosts = configured.fleet.environments.flatMap(({ name, hosts }) => (environments.includes(name) ? hosts : []));
  const found = hosts.flatMap((host) => renewedOn(observationOf(host), unit));
  const words = found.flatMap(({ name, onDisk }) =>
    onDisk ? [`certificate ${name} until ${dayOf(onDisk.validUntil)}`] : [],
  );
  return words.length === 0 ? "" : `, with ${[...new Set(words)].join(", ")}`;
}

/** Remembers which renewed certificates this rollout makes live, so that no program starts another one for the same. */
export function noteRenewals(db: Db, { rollout }: PlannedRollout, observationOf: Planning["observationOf"]): void {
  if (rollout.kind !== "restart") return;
  for (const { environment, waves } of rollout.stages) {
    for (const { host, units } of waves.flat()) {
      for (const { name, onDisk } of units.flatMap(({ unit }) => renewedOn(observationOf(host), unit))) {
        if (onDisk === undefined) continue;
        writeFlag(db, renewalFlag(environment, name), onDisk.digest);
        writeFlag(db, renewalFlag(environment, name, host), onDisk.digest);
      }
    }
  }
}

/** Where the newest renewed pair is remembered that a rollout was started for: on any host, or on this one. */
export const renewalFlag = (environment: string, certificate: string, host?: string): `renewal/${string}` =>
  `renewal/${environment}/${certificate}${host === undefined ? "" : `/${host}`}`;
