import { type IntentBody, parseUnit, type UnitKey } from "../intent/intent.ts";
import type { Instant } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import { describeUnit } from "../words/describe-unit.ts";

export const driftKinds = [
  /** A proxy leads users to another slot than the one that it was ordered. */
  "slot-switched",
  /** A copy or proxy that has to run was taken away; the keeper does not start it again. */
  "process-stopped",
  /** A copy runs that nobody ordered. */
  "process-started",
  /** A file that an engine is configured by. */
  "configuration-edited",
  /** A file of an installed release. */
  "release-edited",
  /** A file in which the agent remembers what it was told and did. */
  "state-edited",
] as const;
export type DriftKind = (typeof driftKinds)[number];

/** Something on a host that neither agent nor coordinator made so: what differs, where, and since when it was seen. */
export interface Drift {
  readonly kind: DriftKind;
  /** A unit, or `host` for what concerns all of it. */
  readonly about: UnitKey | "host";
  /** A path, a slot, or the id of a process. */
  readonly where: string;
  readonly expected: string;
  readonly found: string;
  readonly since: Instant;
  /** Since when it is again as expected; absent: it is not. */
  readonly overSince?: Instant;
}

/** `heal`: the host is put back by its agent. `report`: it is told of, and left for a person. */
export type DriftPolicy = "heal" | "report";

/** What an intent says is done about a drift: a site's own word goes before its host's, which holds for everything else. */
export function driftPolicyFor(
  intent: Pick<IntentBody, "drift" | "siteDrift"> | undefined,
  about: Drift["about"],
): DriftPolicy {
  const { drift = "heal", siteDrift = {} } = intent ?? {};
  const unit = about === "host" ? undefined : parseUnit(about);
  if (unit === undefined || !("site" in unit) || !Object.hasOwn(siteDrift, unit.site)) return drift;
  return siteDrift[unit.site] ?? drift;
}

/** One is the other, seen again. */
export const isSameDrift = (a: DriftSeen, b: DriftSeen): boolean =>
  a.kind === b.kind && a.about === b.about && a.where === b.where;

export type DriftSeen = Pick<Drift, "kind" | "about" | "where">;

/** What differs, where, and what was expected there; without since when. */
export function describeDrift(drift: Omit<Drift, "since">): string {
  const { about, where, expected, found } = drift;
  const what = about === "host" ? "the host" : describeUnit(about);
  switch (drift.kind) {
    case "slot-switched":
      return `${what} was switched by hand: ${where} leads to ${found}, expected ${expected}`;
    case "process-stopped":
      return `${what} was stopped by hand: ${where} has ${found}, expected ${expected}`;
    case "process-started":
      return `${what} was started by hand: ${where} runs ${found}, expected ${expected}`;
    case "configuration-edited":
      return `the configuration of ${what} was edited by hand: ${where} is ${found}, expected ${expected}`;
    case "release-edited":
      return `an installed file of ${what} was edited by hand: ${where} is ${found}, expected ${expected}`;
    case "state-edited":
      return `what Sluice remembers on this host was edited by hand: ${where} is ${found}, expected ${expected}`;
    default:
      return unreachable(drift.kind);
  }
}
