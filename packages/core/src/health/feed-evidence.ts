import { type Instant, instant } from "../units/time.ts";
import { type EvidenceIndex, indexEvidence, mergeUnits, type Unit, unitsOf } from "./evidence-units.ts";
import type { FedEvidence } from "./fed-evidence.ts";
import { toleranceOf, tolerated } from "./health-settings.ts";
import { type Alone, type HealthState, type StratumTest, settingsOf, slowAboveOf } from "./health-state.ts";
import { feedOwnHistory, restartOwnHistory } from "./own-history.ts";
import { type PairedUnit, pairUnits } from "./pair-units.ts";
import { feedSameTime, logSameTime } from "./same-time.ts";
import { feedShare } from "./share-of-traffic.ts";
import {
  isWellAgain,
  lingeringTrouble,
  noRequests,
  sumOf,
  tallyOf,
  troubleOfOthers,
  type Usual,
  unitsForRecovery,
  usualOf,
  withRecent,
} from "./shared-trouble.ts";
import { arrivals } from "./test-host.ts";
import { wayKey } from "./tested-stratum.ts";
import { blockMs } from "./traffic-block.ts";
import type { Tally } from "./verdict-row.ts";

/**
 * Feeds all tests with what was counted since. Each block and each round changes a test once, however often it is handed over:
 * a test knows until when it was fed. Hand over everything from {@link feedFrom} on, of all hosts of the plan.
 */
export function feedEvidence(state: HealthState, fed: FedEvidence): HealthState {
  const index = indexEvidence(fed);
  const tests = mapChanged(state.tests, (test) => feedTest(state, test, index, fed));
  return { ...state, tests, shares: feedShares(state, index, fed) };
}

/** The moment from which on the tests still lack blocks, and rounds; `undefined` while nothing is tested. */
export function feedFrom({ tests }: HealthState): Instant | undefined {
  let first: Instant | undefined;
  for (const { fedUntil } of Object.values(tests)) if (first === undefined || fedUntil < first) first = fedUntil;
  return first;
}

function feedTest(state: HealthState, test: StratumTest, index: EvidenceIndex, fed: FedEvidence): StratumTest {
  const until = test.stratum.source === "probe" ? fed.probesUntil : wholeUnits(fed.trafficUntil, test.unitMs);
  if (until <= test.fedUntil) return test;
  const pairs = pairsOf(state, test, until, (host) =>
    unitsOf(index, host, test.stratum, slowAboveOf(state, host, test.stratum, test.host)),
  );
  const aloneFrom = aloneFromOf(state, test);
  const tolerance = toleranceOf(settingsOf(state, test), test.stratum);
  const excuse = (share: number): number => (share === 0 ? 0 : tolerated(tolerance, share));
  const fedTest = pairs.reduce((before, pair) => {
    const beside = pair.startsAt >= aloneFrom && before.alone === undefined ? leftAlone(before) : before;
    return feedPair(beside, pair, excuse);
  }, test);
  return { ...fedTest, fedUntil: until };
}

/** From when on no host is left that is not changed. */
function aloneFromOf({ hosts }: HealthState, { comparedWith }: StratumTest): number {
  return Math.max(...comparedWith.map((host) => hosts[host]?.changedAt ?? Number.POSITIVE_INFINITY));
}

/**
 * What was counted beside the others goes on counting for no more than it said beside them, so that trouble they had as well is
 * not held against the change as soon as nobody is left to ask.
 */
function leftAlone(test: StratumTest): StratumTest {
  const { ownHistory, sameTime, recent } = test;
  const { others } = usualOf(test);
  const newest = recent.map((unit) => unit.others);
  const alone = { now: noRequests, units: 0, excused: lingeringTrouble(newest, others) };
  if (ownHistory === undefined) return { ...test, alone };
  const logMax = sameTime === undefined ? 0 : logSameTime(sameTime);
  return { ...test, alone, ownHistory: restartOwnHistory(ownHistory, logMax) };
}

/** Only units that are in completely, so that none has to be kept half full. */
const wholeUnits = (until: Instant, unitMs: number): Instant => instant(Math.floor(until / unitMs) * unitMs);

/** What the host counted beside its controls, from where the test was fed until `until`. */
function pairsOf(
  state: HealthState,
  test: StratumTest,
  until: Instant,
  unitsOfHost: (host: string) => readonly Unit[],
): readonly PairedUnit[] {
  const isProbe = test.stratum.source === "probe";
  const lacking = (host: string, end: Instant): readonly Unit[] => {
    const units = unitsOfHost(host).filter(
      ({ startsAt }) => startsAt >= test.fedUntil && (isProbe ? startsAt < end : startsAt + blockMs <= end),
    );
    return isProbe || test.unitMs === blockMs ? units : mergeUnits(units, test.unitMs);
  };
  const untilChanged = (host: string): Instant => instant(Math.min(until, state.hosts[host]?.changedAt ?? until));
  const controls = test.comparedWith.map((host) => lacking(host, untilChanged(host)));
  return pairUnits(lacking(test.host, until), controls);
}

function feedPair(
  test: StratumTest,
  { startsAt, changed, others, hosts }: PairedUnit,
  excuse: (share: number) => number,
): StratumTest {
  const recent = withRecent(test.recent, { changed: tallyOf(changed), others });
  if (test.alone !== undefined) {
    if (changed.requests === 0) return test;
    const fedTest = feedUnit({ ...test, recent }, { startsAt, ...changed }, excuse(test.alone.excused));
    return { ...fedTest, alone: aloneWith(test.alone, changed, recent, usualOf(test)) };
  }
  const compared = test.sameTime === undefined ? {} : { sameTime: feedSameTime(test.sameTime, changed, others, hosts) };
  const all = { ...sumOf([test.others, others]), hosts: Math.max(test.others.hosts, hosts) };
  const beside = { ...test, ...compared, others: all, recent };
  if (changed.requests === 0) return beside;
  return feedUnit(beside, { startsAt, ...changed }, excuse(troubleOfOthers(recent, usualOf(test))));
}

/** Trouble that was there before ends when the host has been well for a minute; what comes then is the change's own. */
function aloneWith(alone: Alone, changed: Tally, recent: StratumTest["recent"], usual: Usual): Alone {
  const units = alone.units + 1;
  const isOver = units >= unitsForRecovery && isWellAgain(recent, usual);
  return { now: sumOf([alone.now, changed]), units, excused: isOver ? 0 : alone.excused };
}

/** A unit of which a bad share up to `excused` has another cause. */
function feedUnit(test: StratumTest, { startsAt, requests, bad, failure }: Unit, excused: number): StratumTest {
  const isBad = bad > 0;
  const { ownHistory, calm } = test;
  const own = ownHistory === undefined ? {} : { ownHistory: feedOwnHistory(ownHistory, bad / requests, excused) };
  return {
    ...test,
    ...own,
    now: sumOf([test.now, { requests, bad }]),
    calm: excused > 0 ? calm : sumOf([calm, { requests, bad }]),
    units: test.units + 1,
    badUnits: test.badUnits + (isBad ? 1 : 0),
    goodInRow: isBad ? 0 : test.goodInRow + 1,
    badInRow: isBad ? test.badInRow + 1 : 0,
    newestAt: startsAt,
    ...(failure === undefined ? {} : { lastFailure: failure }),
  };
}

/** Shares go by the cursor of the test of failures on the same way. */
function feedShares(state: HealthState, index: EvidenceIndex, fed: FedEvidence): HealthState["shares"] {
  const tests = Object.values(state.tests).filter(({ stratum }) => stratum.indicator === "failed");
  const next = tests.map((test) => {
    const key = `${test.host}|${wayKey(test.stratum)}`;
    const share = state.shares[key];
    const until = wholeUnits(fed.trafficUntil, test.unitMs);
    if (share === undefined || until <= test.fedUntil) return [key, share] as const;
    const pairs = pairsOf(state, test, until, (host) => arrivals(index, host, test.stratum));
    const fedShare = pairs.reduce((sum, one) => feedShare(sum, one.changed.requests, one.others.requests), share);
    return [key, fedShare] as const;
  });
  return Object.fromEntries(
    next.filter((entry): entry is [string, NonNullable<(typeof entry)[1]>] => entry[1] !== undefined),
  );
}

function mapChanged<T>(all: Readonly<Record<string, T>>, change: (one: T) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(all).map(([key, one]) => [key, change(one)]));
}
