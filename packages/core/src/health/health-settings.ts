import type { Hop } from "../probing/probe-result.ts";
import { type DurationMs, minutes, seconds } from "../units/time.ts";
import { isLatency, type TestedStratum } from "./tested-stratum.ts";

/** How sure a verdict has to be, per site and environment. The defaults need no reading. */
export interface HealthSettings {
  /** Largest probability with which a rollout that makes nothing worse is halted; over all its hosts and strata together. */
  readonly falseHalt: number;
  /** Largest probability with which a host passes although a required stratum got worse by what it has to rule out. */
  readonly falsePass: number;
  /** Increase of the bad share that a pass has to rule out; absent: the smallest of {@link ruleOutSteps} within reach. */
  readonly ruleOut?: number;
  /** What a restart may cost: a bad share up to `ratio` times the old one plus `margin` is not worse. */
  readonly tolerance: Readonly<Record<"errors" | "slowness" | "probes", Tolerance>>;
  /** After the switch latency is not looked at for this long: caches are cold. */
  readonly warmUpMs: DurationMs;
  /** A host passes at the earliest this long after its warm-up. */
  readonly minBakeMs: DurationMs;
  /** The time in which evidence is planned to be complete. It decides what a pass rules out; it never passes anything. */
  readonly maxWaitMs: DurationMs;
  /** Strata that have to pass before their host does. */
  readonly required: readonly StratumSelector[];
  /** Strata that are not looked at. */
  readonly ignored: readonly StratumSelector[];
}

/** By environment and site: a rollout may come to several of both, each with wishes of its own. */
export type SettingsByPlace = Readonly<Record<string, Readonly<Record<string, HealthSettings>>>>;

/** Throws a RangeError when a place has no settings: they are fixed for every place when the tests start. */
export function settingsAt(places: SettingsByPlace, environment: string, site: string): HealthSettings {
  const found = places[environment]?.[site];
  if (found === undefined) throw new RangeError(`no health settings of site ${site} in ${environment}`);
  return found;
}

/** Evidence of all places is one sum, so that the strictest wish holds for it: no place is halted falsely more often than it asks. */
export function falseHaltOf(places: SettingsByPlace): number {
  return Math.min(...Object.values(places).flatMap((sites) => Object.values(sites).map(({ falseHalt }) => falseHalt)));
}

export interface Tolerance {
  readonly ratio: number;
  readonly margin: number;
}

/** Selects the strata that have every given property; `{}` selects all. */
export interface StratumSelector {
  readonly binding?: string;
  readonly hop?: Hop;
  readonly source?: TestedStratum["source"];
  readonly indicator?: TestedStratum["indicator"];
}

/** Increases a pass can rule out: the smallest that the expected traffic can (health-verdict §2.5). */
export const ruleOutSteps: readonly number[] = [0.01, 0.05, 0.1, 0.5];

/**
 * A tolerance of probes would only cost time: they ask the same everywhere in the same second, and three controls then find
 * a dead host name in four rounds (health-verdict §3.5).
 */
export const defaultHealthSettings: HealthSettings = {
  falseHalt: 0.01,
  falsePass: 0.05,
  tolerance: {
    errors: { ratio: 1.25, margin: 0.001 },
    slowness: { ratio: 1.5, margin: 0.01 },
    probes: { ratio: 1, margin: 0 },
  },
  warmUpMs: seconds(30),
  minBakeMs: minutes(2),
  maxWaitMs: minutes(15),
  required: [{ indicator: "failed" }, { indicator: "refused" }, { indicator: "unexpected" }],
  ignored: [],
};

/** The largest bad share that is not worse than `share`. */
export const tolerated = ({ ratio, margin }: Tolerance, share: number): number => Math.min(1, ratio * share + margin);

/** The tolerance that applies to a stratum. */
export function toleranceOf({ tolerance }: HealthSettings, stratum: TestedStratum): Tolerance {
  if (stratum.source === "probe") return tolerance.probes;
  return isLatency(stratum.indicator) ? tolerance.slowness : tolerance.errors;
}

export const isRequired = ({ required }: HealthSettings, stratum: TestedStratum): boolean =>
  required.some((selector) => selects(selector, stratum));

export const isIgnored = ({ ignored }: HealthSettings, stratum: TestedStratum): boolean =>
  ignored.some((selector) => selects(selector, stratum));

function selects(selector: StratumSelector, stratum: TestedStratum): boolean {
  return (["binding", "hop", "source", "indicator"] as const).every(
    (name) => selector[name] === undefined || selector[name] === stratum[name],
  );
}
