import type { CertificateObservation } from "../host/certificates.ts";
import { dayOf, describeExpiry, describeRenewal, type Expiry, expiries, expiryOf } from "../host/certificates.ts";
import type { UnitObservation } from "../host/observation.ts";
import type { UnitKey } from "../intent/intent.ts";
import { type Instant, instant } from "../units/time.ts";
import { describeUnit } from "../words/describe-unit.ts";
import type { NewEvent } from "./event.ts";

/** What the log says of a certificate on a host, of all the processes that present the same. */
export interface ToldCertificate {
  readonly name: string;
  readonly units: readonly UnitKey[];
  /** Digest of what they present. */
  readonly running: string;
  readonly validUntil: Instant;
  readonly expiry: Expiry;
  /** Digest of what lies in its files, where that is another one; absent: the same, or `problem`. */
  readonly onDisk?: string;
  readonly problem?: string;
  /** Since when the files are so. */
  readonly since?: Instant;
}

export interface CertificateTidings {
  readonly events: readonly NewEvent[];
  readonly told: readonly ToldCertificate[];
}

type Tell = (kind: string, sentence: string, details?: object) => NewEvent;

/**
 * What changes about the certificates of a host: renewed on disk, unusable on disk, presented now, near their end. Each once,
 * whatever is said again; `before` is what was told of them, undefined when this is the first word of the host.
 */
export function certificateEvents(
  units: readonly UnitObservation[],
  before: readonly ToldCertificate[] | undefined,
  now: Instant,
  tell: Tell,
): CertificateTidings {
  const seen = gather(units);
  const told = seen.map(({ certificate, units }) => toldOf(certificate, units, now));
  const events = seen.flatMap(({ certificate }, at) => {
    const next = told[at];
    return next === undefined ? [] : eventsOf(certificate, next, before, now, tell);
  });
  return { events, told };
}

interface Gathered {
  readonly certificate: CertificateObservation;
  readonly units: readonly UnitKey[];
}

/** One entry for all units that say the same, but for since when. */
function gather(units: readonly UnitObservation[]): readonly Gathered[] {
  const each = units.flatMap(({ unit, certificates = [] }) =>
    certificates.map((certificate) => ({ unit, certificate })),
  );
  const groups = Map.groupBy(each, ({ certificate: { name, running, onDisk, problem } }) =>
    JSON.stringify([name, running.digest, onDisk?.digest, problem]),
  );
  return [...groups.values()].flatMap((same) => {
    const [first] = same;
    return first === undefined ? [] : [{ certificate: first.certificate, units: same.map(({ unit }) => unit) }];
  });
}

function toldOf(
  { name, running, onDisk, problem, since }: CertificateObservation,
  units: readonly UnitKey[],
  now: Instant,
): ToldCertificate {
  return {
    ...{
      name,
      units,
      running: running.digest,
      validUntil: instant(running.validUntil),
      expiry: expiryOf(running, now),
    },
    ...(onDisk === undefined ? {} : { onDisk: onDisk.digest }),
    ...(problem === undefined ? {} : { problem }),
    ...(since === undefined ? {} : { since }),
  };
}

function eventsOf(
  certificate: CertificateObservation,
  next: ToldCertificate,
  before: readonly ToldCertificate[] | undefined,
  now: Instant,
  tell: Tell,
): readonly NewEvent[] {
  const { name, running, onDisk, problem } = certificate;
  const same = (before ?? []).filter((one) => one.name === name);
  const details = { certificate: name, units: next.units, validUntil: running.validUntil, ...sitesOf(next.units) };
  const who = next.units.map(describeUnit).join(", ");
  const events: NewEvent[] = [];
  if (same.length > 0 && !same.some((one) => one.running === running.digest)) {
    const until = `certificate ${name} is presented until ${dayOf(running.validUntil)} now`;
    events.push(tell("certificate.activated", `${until} by ${who}`, details));
  }
  const renewal = describeRenewal(certificate);
  if (onDisk !== undefined && renewal !== undefined && !same.some((one) => one.onDisk === onDisk.digest)) {
    const found = { ...details, renewedUntil: onDisk.validUntil };
    events.push(tell("certificate.renewed", `${renewal}; it goes live by a rollout: sluice restart --proxies`, found));
  }
  if (problem !== undefined && renewal !== undefined && !same.some((one) => one.problem === problem)) {
    events.push(tell("certificate.unusable", renewal, details));
  }
  const lastSaid = same.filter((one) => one.running === running.digest).map(({ expiry }) => expiries.indexOf(expiry));
  const expiry = describeExpiry(certificate, now);
  if (expiry !== undefined && expiries.indexOf(next.expiry) > Math.max(0, ...lastSaid)) {
    const kind = next.expiry === "expired" ? "certificate.expired" : "certificate.expiring";
    events.push(tell(kind, `${expiry}: presented by ${who}`, details));
  }
  return events;
}

/** The front serves every site: what it presents concerns all of them. */
function sitesOf(units: readonly UnitKey[]): { readonly sites?: readonly string[] } {
  if (units.includes("front")) return {};
  return { sites: [...new Set(units.map((unit) => unit.slice(unit.indexOf(":") + 1)))] };
}
