import { after, type Instant, instant } from "../units/time.ts";
import { requestsOf } from "./count-block.ts";
import { dispersion, unitLength } from "./dispersion.ts";
import { blocksOf, type EvidenceIndex, indexEvidenceSteps, mergeUnits, type Unit, unitsOf } from "./evidence-units.ts";
import type { HistoryEvidence } from "./fed-evidence.ts";
import { finish } from "./finish.ts";
import { type HealthSettings, isIgnored, isRequired, settingsAt, toleranceOf } from "./health-settings.ts";
import { type HealthState, type HostUnderTest, type StratumTest, slowAboveOf } from "./health-state.ts";
import { ownHistory, unitHistoryOf } from "./own-history.ts";
import { pairUnits } from "./pair-units.ts";
import { isUnreliable } from "./placebo.ts";
import { increaseOfProbe, requiredIncrease } from "./required-increase.ts";
import { unitsForHistory } from "./rule.ts";
import { sameTime } from "./same-time.ts";
import { type ShareOfTraffic, shareOfTraffic } from "./share-of-traffic.ts";
import { badShare, lingeringTrouble, noRequests, recentUnits, sumOf, tallyOf } from "./shared-trouble.ts";
import { type SlowCut, slowCut } from "./slow-threshold.ts";
import { lateWeight, testKey } from "./start-tests.ts";
import { isLatency, sameBinding, stratumKey, type TestedStratum, wayKey } from "./tested-stratum.ts";
import { blockMs } from "./traffic-block.ts";
import { controlsMax, unchangedHosts } from "./unchanged-hosts.ts";

export interface HostChanged {
  readonly host: string;
  /** When the change went live there. Evidence from before is history; the block that holds it is neither. */
  readonly since: Instant;
  /** Strata the plan did not know, because the rollout brings them. */
  readonly added?: readonly TestedStratum[];
  readonly history: HistoryEvidence;
}

/**
 * Begins to test a host that changed; from now on it is no control any more. What its strata can be compared with is decided
 * here, before the first evidence: history and controls that come later do not count (health-verdict §2.4). A host that is
 * tested already stays as it is.
 */
export function testHost(state: HealthState, change: HostChanged): HealthState {
  return finish(testHostSteps(state, change));
}

/**
 * The same in steps that take some tens of milliseconds each, for a caller with other things to do: a day of history of a busy
 * host takes seconds. Between two steps the state does not change.
 */
export function* testHostSteps(state: HealthState, change: HostChanged): Generator<undefined, HealthState> {
  const known = state.hosts[change.host];
  if (known === undefined || known.changedAt !== undefined) return state;
  const index = yield* indexEvidenceSteps(change.history, change.since);
  const planned = withAdded(state, change, known);
  const frozen = yield* withSlowness(planned, change.host, index);
  const strata = frozen.hosts[change.host]?.strata ?? [];
  const tests: StratumTest[] = [];
  for (const stratum of strata) {
    yield;
    tests.push(yield* createTest(frozen, change, stratum, index));
  }
  const asked = tests.map((test) => withSpokenFor(frozen, test, tests));
  const shares = yield* sharesOf(tests, change.since, index);
  return {
    ...frozen,
    hosts: { ...frozen.hosts, [change.host]: { ...hostOf(frozen, change.host), changedAt: change.since } },
    tests: { ...frozen.tests, ...Object.fromEntries(asked.map((test) => [testKey(change.host, test.stratum), test])) },
    shares: { ...frozen.shares, ...shares },
  };
}

const settingsOn = (state: HealthState, host: string, { site }: TestedStratum): HealthSettings =>
  settingsAt(state.settings, hostOf(state, host).environment, site);

const hostOf = ({ hosts }: HealthState, host: string): HostUnderTest =>
  hosts[host] ?? { environment: "", strata: [], slowCuts: {} };

function withAdded(state: HealthState, { host, added = [] }: HostChanged, known: HostUnderTest): HealthState {
  if (added.length === 0) return state;
  const keys = new Set(known.strata.map(stratumKey));
  const late = added.filter((one) => !keys.has(stratumKey(one)) && !isIgnored(settingsOn(state, host, one), one));
  const weights = late.map((one, i): [string, number] => [testKey(host, one), lateWeight(state.lateStrata + i + 1)]);
  return {
    ...state,
    hosts: { ...state.hosts, [host]: { ...known, strata: [...known.strata, ...late] } },
    weights: { ...state.weights, ...Object.fromEntries(weights) },
    lateStrata: state.lateStrata + late.length,
  };
}

/** Freezes what counts as slow on the host and on those it is compared with; what is frozen stays. */
function* withSlowness(state: HealthState, host: string, index: EvidenceIndex): Generator<undefined, HealthState> {
  const hosts: Record<string, HostUnderTest> = {};
  for (const name of [host, ...unchangedHosts(state, host)]) {
    const before = hostOf(state, name);
    const found: Record<string, SlowCut> = {};
    for (const stratum of hostOf(state, host).strata) {
      if (!isLatency(stratum.indicator)) continue;
      yield;
      const cut = slowCut(blocksOf(index, name, stratum), stratum.indicator);
      if (cut !== undefined) found[stratumKey(stratum)] = cut;
    }
    hosts[name] = { ...before, slowCuts: { ...found, ...before.slowCuts } };
  }
  return { ...state, hosts: { ...state.hosts, ...hosts } };
}

function* createTest(
  state: HealthState,
  change: HostChanged,
  stratum: TestedStratum,
  index: EvidenceIndex,
): Generator<undefined, StratumTest> {
  const { host, since } = change;
  const settings = settingsOn(state, host, stratum);
  const unitsBefore = (name: string): readonly Unit[] =>
    unitsOf(index, name, stratum, slowAboveOf(state, name, stratum, host));
  const own = unitsBefore(host);
  const compared = unchangedHosts(state, host)
    .map((name) => ({ name, units: unitsBefore(name) }))
    .filter(({ units }) => units.length >= unitsForHistory)
    .slice(-controlsMax);
  yield;
  const unitMs = stratum.source === "probe" ? blockMs : unitLength(own);
  const inUnits = (units: readonly Unit[]) => (unitMs === blockMs ? units : mergeUnits(units, unitMs));
  const ownUnits = inUnits(own);
  const tolerance = toleranceOf(settings, stratum);
  const scatter = Math.max(1, dispersion(ownUnits));
  const before = { ...sumOf(own), requestsPerSecond: rateOf(own, since) };
  const probed = hostOf(state, host).strata.some((one) => one.source === "probe" && sameBinding(one, stratum));
  const toRuleOut = requiredIncrease({ settings, stratum, before, dispersion: scatter, probed });
  const pairs = pairUnits(
    ownUnits,
    compared.map(({ units }) => inUnits(units)),
  );
  yield;
  const unreliable = isUnreliable({
    units: pairs,
    tolerance,
    compared: compared.length > 0,
    runMs: settings.maxWaitMs,
  });
  yield;
  return {
    host,
    stratum,
    since,
    fedUntil: firstUnit(settings, stratum, since, unitMs),
    unitMs,
    comparedWith: compared.map(({ name }) => name),
    ...(own.length >= unitsForHistory ? { ownHistory: ownHistory(unitHistoryOf(ownUnits), tolerance) } : {}),
    ...(compared.length > 0 ? { sameTime: sameTime(tolerance.ratio) } : {}),
    now: { requests: 0, bad: 0 },
    before,
    others: { requests: 0, bad: 0, hosts: 0 },
    othersBefore: sumOf(compared.flatMap(({ units }) => units)),
    calm: { requests: 0, bad: 0 },
    recent: pairs.slice(-recentUnits).map(({ changed, others }) => ({ changed: tallyOf(changed), others })),
    ...(compared.length > 0
      ? {}
      : { alone: { now: noRequests, units: 0, excused: lingeringTrouble(ownUnits, badShare(before)) } }),
    units: 0,
    badUnits: 0,
    goodInRow: 0,
    badInRow: 0,
    dispersion: scatter,
    unreliable,
    ...(toRuleOut === undefined ? {} : { toRuleOut }),
  };
}

/** A probe that speaks for required traffic has to be proven, even if the settings do not ask for probes. */
function withSpokenFor(state: HealthState, test: StratumTest, all: readonly StratumTest[]): StratumTest {
  if (test.stratum.source !== "probe" || test.toRuleOut !== undefined) return test;
  const speaks = all.some(
    ({ host, stratum, toRuleOut }) =>
      stratum.source === "traffic" &&
      toRuleOut === undefined &&
      sameBinding(stratum, test.stratum) &&
      isRequired(settingsOn(state, host, stratum), stratum),
  );
  return speaks ? { ...test, toRuleOut: increaseOfProbe } : test;
}

/** The first unit that lies after the change entirely, and for latency after the warm-up. */
function firstUnit({ warmUpMs }: HealthSettings, stratum: TestedStratum, since: Instant, unitMs: number): Instant {
  if (stratum.source === "probe") return since;
  const from = isLatency(stratum.indicator) ? after(since, warmUpMs) : since;
  return instant(Math.ceil(from / unitMs) * unitMs);
}

function rateOf(units: readonly Unit[], since: Instant): number {
  const first = units[0];
  return first === undefined ? 0 : sumOf(units).requests / ((since - first.startsAt) / 1000);
}

/** One for each way with traffic strata. */
function* sharesOf(
  tests: readonly StratumTest[],
  since: Instant,
  index: EvidenceIndex,
): Generator<undefined, Readonly<Record<string, ShareOfTraffic>>> {
  const found: Record<string, ShareOfTraffic> = {};
  for (const { host, stratum, comparedWith } of tests) {
    if (stratum.indicator !== "failed") continue;
    yield;
    const own = arrivals(index, host, stratum);
    const others = comparedWith.map((name) => arrivals(index, name, stratum));
    const shares = pairUnits(own, others)
      .filter((pair) => pair.others.requests > 0)
      .map((pair) => pair.changed.requests / (pair.changed.requests + pair.others.requests));
    found[`${host}|${wayKey(stratum)}`] = shareOfTraffic(host, shares, expectedRate(own, since));
  }
  return found;
}

/** The day, the last hour and the last ten minutes before a change. */
const lookedBackMs: readonly number[] = [Number.POSITIVE_INFINITY, 3_600_000, 600_000];

/** Requests a second that are due after a change: users who had stopped coming before it are not missed. */
const expectedRate = (units: readonly Unit[], since: Instant): number =>
  Math.min(...lookedBackMs.map((span) => rateBack(units, since, span)));

function rateBack(units: readonly Unit[], since: Instant, spanMs: number): number {
  const from = Math.max(since - spanMs, units[0]?.startsAt ?? since);
  const { requests } = sumOf(units.filter(({ startsAt }) => startsAt >= from));
  return requests === 0 ? 0 : requests / ((since - from) / 1000);
}

/** All requests of a way, by block. */
export const arrivals = (index: EvidenceIndex, host: string, stratum: TestedStratum): readonly Unit[] =>
  blocksOf(index, host, stratum).map((block) => ({ startsAt: block.startsAt, requests: requestsOf(block), bad: 0 }));
