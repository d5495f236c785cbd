import {
  between,
  type CertificateObservation,
  type DurationMs,
  type Environment,
  type HostObservation,
  type Instant,
  minutes,
  Problem,
} from "@sluice/core";
import { expiryOf } from "@sluice/core/host/certificates";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { ConfiguredFleet } from "../fleet/fleet-desk.ts";
import type { KnownHost } from "../hosts/roster.ts";
import { readFlag } from "../store/meta.ts";
import type { Db } from "../store/store.ts";
import { type Renewal, renewalFlag } from "./plan-renewal.ts";
import type { RolloutDesk } from "./rollout-desk.ts";

export interface RenewalFacts {
  readonly db: Db;
  readonly configured: ConfiguredFleet;
  readonly findHost: (host: string) => KnownHost;
  readonly now: Instant;
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
 * Renewed pairs for which a rollout is to be started. Where hosts present the same certificate: once every host of the environment is
 * here, and all that present it have found the very same one in its place. Where each presents one of its own: those that have found a
 * pair that can be presented, once all have or the first has waited for {@link settleMs}, or at once when what one presents is near
 * its end. An environment waits for those before it that have found a pair as well: for another one as long as for a host, for the very
 * same until the end is near. Each once, whoever started it: what was halted is not tried again by a program.
 */
export function findRenewals(facts: RenewalFacts): readonly Renewal[] {
  const { environments, certificates } = facts.configured.fleet;
  const rolled = certificates.filter(({ renewal }) => renewal !== "report");
  return rolled.flatMap(({ name: certificate }) => {
    const below: CertificateObservation[] = [];
    return environments.flatMap((environment) => {
      const found = renewedIn(facts, environment, certificate);
      const renewals = hasToWait(found, below, facts.now) ? [] : renewalIn(facts, environment, certificate);
      below.push(...found);
      return renewals;
    });
  });
}

/** What hosts of an environment would present anew. */
const renewedIn = ({ findHost }: RenewalFacts, { hosts }: Environment, certificate: string) =>
  hosts.flatMap((host) => presentedOn(findHost(host).observation, certificate)).filter(isRenewed);

const isRenewed = ({ onDisk, problem }: CertificateObservation): boolean =>
  onDisk !== undefined && problem === undefined;

function hasToWait(
  found: readonly CertificateObservation[],
  below: readonly CertificateObservation[],
  now: Instant,
): boolean {
  if (below.length === 0) return false;
  const isSame = found.some(({ onDisk }) => below.some((one) => one.onDisk?.digest === onDisk?.digest));
  return isSame ? !endsSoon(found, now) : !isDue(found, now);
}

/** They have waited for long enough, or can't wait. */
const isDue = (found: readonly CertificateObservation[], now: Instant): boolean =>
  endsSoon(found, now) || found.some(({ since = now }) => between(since, now) >= settleMs);

/** An outage for everybody is worse than what a first wave could meet. */
const endsSoon = (found: readonly CertificateObservation[], now: Instant): boolean =>
  found.some(({ running }) => expiryOf(running, now) !== "far");

/** Programs that renew do it once or twice a day at an hour of their own, weeks before the end. */
export const settleMs: DurationMs = minutes(24 * 60);

/** What one host says of a certificate, on every unit that presents it; never empty. */
interface Presenting {
  readonly host: string;
  readonly connected: boolean;
  readonly seen: readonly [CertificateObservation, ...CertificateObservation[]];
}

function renewalIn(
  facts: RenewalFacts,
  { name: environment, hosts }: Environment,
  certificate: string,
): readonly Renewal[] {
  const known = hosts.map((host) => ({ host, ...facts.findHost(host) }));
  const presenting = known.flatMap(({ host, connected, observation }): readonly Presenting[] => {
    const [first, ...others] = presentedOn(observation, certificate);
    return first === undefined ? [] : [{ host, connected, seen: [first, ...others] }];
  });
  if (haveOwnPairs(presenting)) return ownRenewal(facts, { environment, certificate }, presenting);
  if (known.some(({ connected, observation }) => !connected || observation === undefined)) return [];
  return sameRenewal(facts, { environment, certificate }, presenting);
}

/** Every host presents another one than every other, and would after a restart: each has its certificate issued for itself. */
function haveOwnPairs(presenting: readonly Presenting[]): boolean {
  const areOwn = (digests: readonly string[]) => new Set(digests).size === digests.length;
  const firsts = presenting.map(({ seen: [first] }) => first);
  const after = firsts.map(({ onDisk, running }) => (onDisk ?? running).digest);
  return firsts.length > 1 && areOwn(firsts.map(({ running }) => running.digest)) && areOwn(after);
}

type Named = Pick<Renewal, "environment" | "certificate">;

function sameRenewal({ db }: RenewalFacts, named: Named, presenting: readonly Presenting[]): readonly Renewal[] {
  const presented = presenting.flatMap(({ seen }) => seen);
  const [digest, ...others] = new Set(
    presented.map(({ problem, onDisk, running }) => problem ?? (onDisk ?? running).digest),
  );
  const isNew = presented.some(isRenewed);
  if (digest === undefined || others.length > 0 || !isNew) return [];
  const flag = renewalFlag(named.environment, named.certificate);
  return readFlag(db, flag) === digest ? [] : [{ ...named, digest }];
}

function ownRenewal({ db, now }: RenewalFacts, named: Named, presenting: readonly Presenting[]): readonly Renewal[] {
  const due = presenting.flatMap(({ host, connected, seen }) => {
    const renewed = seen.find(isRenewed);
    const digest = renewed?.onDisk?.digest;
    if (!connected || renewed === undefined || digest === undefined) return [];
    const flag = renewalFlag(named.environment, named.certificate, host);
    return readFlag(db, flag) === digest ? [] : [{ host, digest, renewed }];
  });
  const [first] = due;
  if (first === undefined) return [];
  const isEvery = due.length === presenting.length;
  const renewed = due.map((one) => one.renewed);
  if (!isEvery && !isDue(renewed, now)) return [];
  return [{ ...named, digest: first.digest, hosts: due.map(({ host }) => host) }];
}

const presentedOn = (observation: HostObservation | undefined, certificate: string) =>
  (observation?.units ?? []).flatMap(({ certificates = [] }) =>
    certificates.filter(({ name }) => name === certificate),
  );
