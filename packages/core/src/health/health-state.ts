import type { DurationMs, Instant } from "../units/time.ts";
import { type HealthSettings, type SettingsByPlace, settingsAt } from "./health-settings.ts";
import type { OwnHistory } from "./own-history.ts";
import type { SameTime } from "./same-time.ts";
import type { ShareOfTraffic } from "./share-of-traffic.ts";
import type { RecentUnit } from "./shared-trouble.ts";
import { type SlowCut, slowAbove } from "./slow-threshold.ts";
import { isLatency, stratumKey, type TestedStratum } from "./tested-stratum.ts";
import type { Tally } from "./verdict-row.ts";

/** What a rollout is going to test, fixed before its first host changes: the weights of all strata follow from it. */
export interface TestPlan {
  readonly settings: SettingsByPlace;
  /** Every host of the environments the rollout comes to, also those it leaves as they are: these are controls only. */
  readonly hosts: readonly PlannedHost[];
}

export interface PlannedHost {
  readonly host: string;
  /** Only hosts of the same environment are compared. */
  readonly environment: string;
  readonly changes: boolean;
  /** Of the sites the rollout touches on this host; only registered bindings. */
  readonly strata: readonly TestedStratum[];
}

/**
 * All tests of one rollout: plain data, saved with it, so that a crash changes no verdict. Parts that did not change keep
 * their identity from one state to the next.
 */
export interface HealthState {
  readonly settings: SettingsByPlace;
  readonly hosts: Readonly<Record<string, HostUnderTest>>;
  /** By `host|stratumKey`; weights of planned strata add up to 0.9 (health-verdict §2.4). */
  readonly weights: Readonly<Record<string, number>>;
  /** Strata that no plan knew; the next one gets the weight of its number. */
  readonly lateStrata: number;
  /** By `host|stratumKey`, for hosts that changed; they are kept and fed until the rollout ends. */
  readonly tests: Readonly<Record<string, StratumTest>>;
  /** By `host|wayKey`: does the traffic of the host stay away? */
  readonly shares: Readonly<Record<string, ShareOfTraffic>>;
}

export interface HostUnderTest {
  readonly environment: string;
  readonly strata: readonly TestedStratum[];
  /** When the change went live there, absent: it did not yet, and the host is a control. */
  readonly changedAt?: Instant;
  /** By stratum of latency: where slow begins. Frozen when a host it is compared with changes. */
  readonly slowCuts: Readonly<Record<string, SlowCut>>;
}

/** Above what requests of a host are slow, beside the `changed` one; absent: that is not known, or the stratum is not of latency. */
export function slowAboveOf(
  { hosts }: HealthState,
  host: string,
  stratum: TestedStratum,
  changed: string,
): number | undefined {
  const cut = isLatency(stratum.indicator) ? hosts[host]?.slowCuts[stratumKey(stratum)] : undefined;
  return cut === undefined ? undefined : slowAbove(cut, host === changed);
}

/** The settings by which a test is judged: those of its site in the environment of its host. */
export const settingsOf = ({ settings, hosts }: HealthState, { host, stratum }: StratumTest): HealthSettings =>
  settingsAt(settings, hosts[host]?.environment ?? "", stratum.site);

/** Evidence of a host that nothing can be compared with any more speaks against its past only. */
export interface Alone {
  readonly now: Tally;
  /** Units with requests. */
  readonly units: number;
  /** Bad share that is not the change's doing: the others had it last, or the host itself just before it changed. 0 once it is well. */
  readonly excused: number;
}

/** The test of one stratum on one changed host. */
export interface StratumTest {
  readonly host: string;
  readonly stratum: TestedStratum;
  readonly since: Instant;
  /** Blocks (rounds of probes) that start before this were fed, and are not fed again. */
  readonly fedUntil: Instant;
  /** Length of a unit of traffic evidence: ten seconds, thirty if bursts last longer. A round of probes is a unit itself. */
  readonly unitMs: DurationMs;
  /** Hosts that served the stratum before; those of them that are not changed yet are the controls. */
  readonly comparedWith: readonly string[];
  readonly ownHistory?: OwnHistory;
  /** Absent: no host to compare with. */
  readonly sameTime?: SameTime;
  /** Requests since the change. */
  readonly now: Tally;
  readonly before: Tally & { readonly requestsPerSecond: number };
  readonly others: Tally & { readonly hosts: number };
  /** What the hosts in `comparedWith` counted before the change. */
  readonly othersBefore: Tally;
  /** Requests since the change, without units in which the others had trouble: a pass is proven by these. */
  readonly calm: Tally;
  /** The newest units, to begin with those just before the change. */
  readonly recent: readonly RecentUnit[];
  /** Present from when on there is no host to compare with, because all of them are changed. */
  readonly alone?: Alone;
  /** Units with requests, and those among them with bad ones. */
  readonly units: number;
  readonly badUnits: number;
  /** Units in a row until now. */
  readonly goodInRow: number;
  readonly badInRow: number;
  /** The newest unit with requests. */
  readonly newestAt?: Instant;
  readonly lastFailure?: string;
  /** How much more than by chance the bad requests of the history come in bursts; counts are divided by it. At least 1. */
  readonly dispersion: number;
  /** On the host's own past, where nothing had changed, this test found something too often: it may hold, never halt. */
  readonly unreliable: boolean;
  /** The increase that a pass has to rule out; absent: not required, or left to the probes of the binding. */
  readonly toRuleOut?: number;
}
