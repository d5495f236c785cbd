import { falseHaltOf } from "./health-settings.ts";
import type { HealthState, StratumTest } from "./health-state.ts";
import { failuresWithoutReference, suspectEvidence, unitsForPersistence } from "./rule.ts";
import { logSameTime } from "./same-time.ts";
import { isTroubleShared, isUnwell, lingeringTrouble, sumOf, troubleOfOthers, usualOf } from "./shared-trouble.ts";
import { testKey } from "./start-tests.ts";
import { isLatency, sameBinding } from "./tested-stratum.ts";
import type { References } from "./verdict-row.ts";

/** What the test of one stratum says against its host. Evidence and bars are natural logarithms. */
export interface Weighed {
  readonly test: StratumTest;
  readonly references: References;
  /** Worse than the host was, and than the others are now: what counts in the sum over all strata. */
  readonly logEvidence: number;
  /** What is shown, on the scale of `logBar`; more than `logEvidence` where {@link lenientOf} applies. */
  readonly logShown: number;
  /** The stratum alone halts from here on. */
  readonly logBar: number;
  readonly lenient?: Lenient;
}

/** See {@link lenientOf}. */
export interface Lenient {
  readonly logChanged: number;
  readonly logNotShared: number;
}

/** Weighs every stratum of every changed host by what it can be compared with now (health-verdict §2.4). */
export function weighTests(state: HealthState): readonly Weighed[] {
  const tests = Object.values(state.tests);
  const onHost = Map.groupBy(tests, ({ host }) => host);
  const falseHalt = falseHaltOf(state.settings);
  return tests.map((test) => weigh(state, test, onHost.get(test.host) ?? [], falseHalt));
}

function weigh(state: HealthState, test: StratumTest, all: readonly StratumTest[], falseHalt: number): Weighed {
  const logBar = -Math.log(falseHalt * (state.weights[testKey(test.host, test.stratum)] ?? 0));
  const references = referencesOf(test);
  const logEvidence = capped(test, logOf(test, references, all));
  const lenient = lenientOf(state, test, references, all);
  const logShown = lenient === undefined ? logEvidence : shownOf(lenient, logEvidence, logBar);
  return { test, references, logEvidence, logBar, logShown, ...(lenient === undefined ? {} : { lenient }) };
}

/** Hosts that it is compared with now. */
function controlsNow({ hosts }: HealthState, { host, comparedWith }: StratumTest): number {
  const environment = hosts[host]?.environment;
  return comparedWith.filter((name) => hosts[name]?.environment === environment && hosts[name]?.changedAt === undefined)
    .length;
}

/** What was counted beside others stays compared with them when they change as well. */
function referencesOf({ ownHistory, sameTime, alone }: StratumTest): References {
  if (ownHistory === undefined) return sameTime === undefined ? "nothing" : "others";
  return alone === undefined ? "both" : "history";
}

function logOf(test: StratumTest, references: References, all: readonly StratumTest[]): number {
  const own = test.ownHistory?.logEvidence ?? 0;
  const others = test.sameTime === undefined ? 0 : logSameTime(test.sameTime);
  switch (references) {
    case "both":
      return Math.min(own, others);
    case "others":
      return others;
    case "history":
      return isEvident(test, all) && !lingersBeside(test, all) ? own : Math.min(own, Math.log(suspectEvidence));
    case "nothing":
      return 0;
  }
}

/**
 * Before/after alone cannot tell the change from the day, unless half of everything is bad, or a probe fails too. Half of all
 * requests were above the median before as well.
 */
function isEvident({ host, stratum, alone }: StratumTest, all: readonly StratumTest[]): boolean {
  if (stratum.indicator === "above-median") return false;
  const now = alone?.now ?? { requests: 0, bad: 0 };
  if (now.requests > 0 && now.bad * 2 >= now.requests) return true;
  return all.some((other) => other.host === host && sameBinding(other.stratum, stratum) && failsNow(other));
}

/** From this bad share on trouble that was there before the last wave may be what another stratum of the binding shows. */
const lingeringShare = 0.3;

/** Trouble of the same kind that all hosts had when the last of them changed is not over: users and probes meet the same. */
const lingersBeside = ({ host, stratum }: StratumTest, all: readonly StratumTest[]): boolean =>
  all.some(
    (other) =>
      other.host === host &&
      sameBinding(other.stratum, stratum) &&
      isLatency(other.stratum.indicator) === isLatency(stratum.indicator) &&
      lingeringOf(other) >= lingeringShare,
  );

/** What is excused, or will be as soon as something is counted of the host alone. */
const lingeringOf = (test: StratumTest): number =>
  test.alone?.excused ??
  lingeringTrouble(
    test.recent.map(({ others }) => others),
    usualOf(test).others,
  );

const failsNow = ({ stratum, badInRow }: StratumTest): boolean =>
  stratum.source === "probe" && badInRow >= failuresWithoutReference;

/** Bad units that do not persist, and tests that find something on any day, halt nothing. */
function capped(test: StratumTest, log: number): number {
  if (test.badUnits < unitsForPersistence) return Math.min(log, 0);
  return test.unreliable ? Math.min(log, Math.log(suspectEvidence)) : log;
}

/**
 * Where hosts are asked the same in the same second, or where there is one control only, "worse than the others" needs 20 : 1,
 * while "worse than before" keeps its whole bar (`kappa`, health-verdict §2.4). That presumes that the others are well: where
 * they fail as well, a few rounds in which only this host does turn up by chance. It does not count in the sum over all
 * strata: an outage of everything would add up to a halt, 1/20 of one for each stratum.
 */
function lenientOf(
  state: HealthState,
  test: StratumTest,
  references: References,
  all: readonly StratumTest[],
): Lenient | undefined {
  if (references !== "both" || test.unreliable || test.badUnits < unitsForPersistence) return undefined;
  if (test.stratum.source === "traffic" && controlsNow(state, test) !== 1) return undefined;
  if (!othersAreWell(test, all)) return undefined;
  return {
    logChanged: test.ownHistory?.logEvidence ?? 0,
    logNotShared: test.sameTime === undefined ? 0 : logSameTime(test.sameTime),
  };
}

/** Of probes all of the host count, and its users, since trouble that hosts share shows in some of them first. */
function othersAreWell(test: StratumTest, all: readonly StratumTest[]): boolean {
  if (all.some((one) => isOutage(one, test) && troubleOfOthers(one.recent, usualOf(one)) > 0)) return false;
  const asked = test.stratum.source === "traffic" ? [test] : all.filter((one) => isProbeOf(one, test.host));
  const before = sumOf(asked.map((one) => one.othersBefore));
  const others = sumOf(asked.map((one) => one.others));
  return !isUnwell(others, before.requests === 0 ? 0 : before.bad / before.requests);
}

const isOutage = ({ stratum }: StratumTest, of: StratumTest): boolean =>
  (stratum.indicator === "failed" || stratum.indicator === "unexpected") && sameBinding(stratum, of.stratum);

const isProbeOf = ({ host, stratum }: StratumTest, of: string): boolean => host === of && stratum.source === "probe";

/** Both parts on one scale: 20 : 1 for "not shared" is as good as the bar. */
function shownOf({ logChanged, logNotShared }: Lenient, logEvidence: number, logBar: number): number {
  return Math.max(logEvidence, Math.min(logChanged, logNotShared + logBar - Math.log(suspectEvidence)));
}

/**
 * It got worse, and so did the hosts that were not changed, in the same time: the change is not the cause. Evidence that this
 * host is worse than they are ends it.
 */
export const isShared = ({ references, test, logEvidence }: Weighed): boolean =>
  references === "both" && logEvidence < Math.log(suspectEvidence) && isTroubleShared(test.recent, usualOf(test));

/** Enough is shown to hold the host, and others do not share the trouble. */
export const isSuspect = (one: Weighed): boolean => one.logShown >= Math.log(suspectEvidence) && !isShared(one);
