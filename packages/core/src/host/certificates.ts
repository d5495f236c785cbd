import { dateAt } from "../gates/local-time.ts";
import type { UnitKey } from "../intent/intent.ts";
import type { CertificateSeen } from "../proxying/certificate.ts";
import { between, durationMs, formatDuration, type Instant, minutes } from "../units/time.ts";
import type { HostObservation } from "./observation.ts";

/** A certificate that one proxy or front presents, and what lies in its files meanwhile. */
export interface CertificateObservation {
  /** As the fleet file calls it. */
  readonly name: string;
  /** What its process was started with. */
  readonly running: CertificateSeen;
  /** What lies in its files where that is another one, which a process that is started by a grant would present. */
  readonly onDisk?: CertificateSeen;
  /** Why what lies in its files can't be presented by anybody. */
  readonly problem?: string;
  /** Since when the files are so; absent: they are as what runs. */
  readonly since?: Instant;
}

/** Certificates that the unit would present anew if it were started again there by a grant; all of them, or the one of this name. */
export function renewedOn(
  observation: HostObservation | undefined,
  unit: UnitKey,
  name?: string,
): readonly CertificateObservation[] {
  const presented = observation?.units.find((one) => one.unit === unit)?.certificates ?? [];
  return presented.filter((one) => one.onDisk !== undefined && (name === undefined || one.name === name));
}

/** How near the end of a certificate is: none of these is news by itself, the change from one to the next is. */
export const expiries = ["far", "near", "at-hand", "expired"] as const;
export type Expiry = (typeof expiries)[number];

const day = minutes(24 * 60);
/** Certificates of ninety days are renewed thirty days before their end: with fourteen left something does not work. */
const nearMs = durationMs(14 * day);
/** Somebody has to do it by hand now, and a weekend may lie in between. */
const atHandMs = durationMs(3 * day);

export function expiryOf({ validUntil }: CertificateSeen, now: Instant): Expiry {
  const leftMs = between(now, validUntil);
  if (leftMs <= 0) return "expired";
  if (leftMs < atHandMs) return "at-hand";
  return leftMs < nearMs ? "near" : "far";
}

/** `2027-02-24`; the day in UTC. */
export const dayOf = (at: Instant): string => dateAt(at, "UTC").toString();

/** What lies in the files of a certificate against what is presented; undefined: the same. */
export function describeRenewal({ name, running, onDisk, problem }: CertificateObservation): string | undefined {
  const presented = `proxies present the one until ${dayOf(running.validUntil)}`;
  if (problem !== undefined) return `${problem}; ${presented}`;
  if (onDisk === undefined) return undefined;
  return `certificate ${name} was renewed on disk (until ${dayOf(onDisk.validUntil)}); ${presented}`;
}

/** How near the end of what is presented is; undefined while nobody has to think of it. */
export function describeExpiry({ name, running }: CertificateObservation, now: Instant): string | undefined {
  switch (expiryOf(running, now)) {
    case "far":
      return undefined;
    case "expired":
      return `certificate ${name} has expired on ${dayOf(running.validUntil)}, and proxies present it`;
    default:
      return `certificate ${name} expires in ${formatDuration(between(now, running.validUntil))} (${dayOf(running.validUntil)})`;
  }
}
