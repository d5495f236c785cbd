import { isProgramUnit, type UnitKey } from "../intent/intent.ts";
import { between, formatDuration, type Instant, instant } from "../units/time.ts";
import { describeUnit } from "../words/describe-unit.ts";
import { type CertificateObservation, describeExpiry, describeRenewal } from "./certificates.ts";
import type { HostObservation, UnitObservation } from "./observation.ts";

/** What the fleet wants of one unit in the end. */
export interface DesiredUnit {
  readonly unit: UnitKey;
  readonly digest: string;
  /** For people. */
  readonly version: string;
}

/** How one unit of a host stands against what is desired; `sentence` says it in words. */
export type UnitDifference = { readonly unit: UnitKey; readonly sentence: string } & (
  | { readonly kind: "in-sync" }
  /** The desired release is not complete on disk. */
  | { readonly kind: "not-installed" }
  /** On disk, and something else runs, be it only another certificate; waits for a rollout. */
  | { readonly kind: "pending-activation"; readonly since?: Instant }
  /** As desired and proven, with a certificate that is near its end or past it. */
  | { readonly kind: "expiring" }
  /** Something runs that is neither desired nor proven. */
  | { readonly kind: "drifted"; readonly running: string }
  /** The desired release runs but has not passed here. */
  | { readonly kind: "unproven" }
  /** Proven and desired, and yet nothing runs. */
  | { readonly kind: "not-running" }
  /** The host never spoke of it. */
  | { readonly kind: "unknown" }
);

/**
 * Compares what is desired with what the host itself reports. One entry for every desired unit, in that order, then one
 * for every unit that runs though nobody wants it.
 */
export function diffHost(
  desired: readonly DesiredUnit[],
  observed: HostObservation | undefined,
  now: Instant,
): readonly UnitDifference[] {
  const seen = new Map(observed?.units.map((unit) => [unit.unit, unit]));
  const wanted = new Set(desired.map(({ unit }) => unit));
  const unwanted = (observed?.units ?? []).filter(({ unit, running }) => !wanted.has(unit) && running !== undefined);
  return [
    ...desired.map((one) => differenceOf(one, seen.get(one.unit), observed !== undefined, now)),
    ...unwanted.map(unwantedUnit),
  ];
}

/** An agent and a keeper run before anybody wants a version of them. */
function unwantedUnit({ unit, running }: UnitObservation): UnitDifference {
  const runs = `${describeUnit(unit)} ${running?.version ?? ""} runs`;
  if (isProgramUnit(unit)) return { unit, kind: "in-sync", sentence: `${runs} as it was installed by hand` };
  return { unit, kind: "drifted", running: running?.digest ?? "", sentence: `${runs} but is not in the fleet` };
}

function differenceOf(
  want: DesiredUnit,
  seen: UnitObservation | undefined,
  spoke: boolean,
  now: Instant,
): UnitDifference {
  const { unit, version, digest } = want;
  const name = describeUnit(unit);
  if (!spoke) return { unit, kind: "unknown", sentence: `${name}: the host has not reported yet` };
  const { running, proven } = seen ?? {};
  if (running?.digest === digest) {
    return proven === digest
      ? certified({ unit, kind: "in-sync", sentence: `${name} runs ${version}` }, seen?.certificates ?? [], now)
      : { unit, kind: "unproven", sentence: `${name} runs ${version}, which is not proven here yet` };
  }
  if (running !== undefined && running.digest !== proven) {
    const sentence = `${name} runs ${running.version}, which is neither desired (${version}) nor proven here`;
    return { unit, kind: "drifted", running: running.digest, sentence };
  }
  return notLive(want, seen, now);
}

/** A release that is in sync all the same waits for a rollout when what lies in the files of its certificates is not what it presents. */
function certified(
  difference: UnitDifference,
  certificates: readonly CertificateObservation[],
  now: Instant,
): UnitDifference {
  const { unit, sentence } = difference;
  const expiring = certificates.map((one) => describeExpiry(one, now)).filter((words) => words !== undefined);
  const renewed = certificates.flatMap((one) => {
    const words = describeRenewal(one);
    return words === undefined ? [] : [{ words, since: one.since }];
  });
  if (renewed.length === 0) {
    return expiring.length === 0
      ? difference
      : { unit, kind: "expiring", sentence: [sentence, ...expiring].join("; ") };
  }
  const sinces = renewed.flatMap((one) => (one.since === undefined ? [] : [one.since]));
  const since = sinces.length === 0 ? undefined : instant(Math.min(...sinces));
  const waiting = since === undefined ? "" : ` for ${formatDuration(between(since, now))}`;
  const pending = `${sentence}, with a pending activation${waiting}: ${renewed.map(({ words }) => words).join("; ")}`;
  return {
    ...{ unit, kind: "pending-activation", sentence: [pending, ...expiring].join("; ") },
    ...(since === undefined ? {} : { since }),
  };
}

/** Nothing or the proven release runs, and it is not the desired one. */
function notLive(
  { unit, version, digest }: DesiredUnit,
  seen: UnitObservation | undefined,
  now: Instant,
): UnitDifference {
  const name = describeUnit(unit);
  const current = seen?.running === undefined ? "nothing runs" : `${seen.running.version} runs`;
  const why = seen === undefined || seen.reasons.length === 0 ? "" : `: ${seen.reasons.join("; ")}`;
  if (seen?.running === undefined && seen?.proven === digest) {
    return { unit, kind: "not-running", sentence: `${name} does not run, though ${version} is proven here${why}` };
  }
  if (seen === undefined || !seen.installed.includes(digest)) {
    return { unit, kind: "not-installed", sentence: `${name} ${version} is not installed; ${current}${why}` };
  }
  const { pendingSince } = seen;
  const waiting = pendingSince === undefined ? "" : ` for ${formatDuration(between(pendingSince, now))}`;
  const sentence = `${name} ${version} is pending activation${waiting}; ${current}${why}`;
  return { unit, kind: "pending-activation", ...(pendingSince === undefined ? {} : { since: pendingSince }), sentence };
}
