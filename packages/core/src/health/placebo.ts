import type { DurationMs } from "../units/time.ts";
import type { Tolerance } from "./health-settings.ts";
import { feedOwnHistory, ownHistory, unitHistoryOf } from "./own-history.ts";
import type { PairedUnit } from "./pair-units.ts";
import { suspectEvidence, unitsForHistory, unitsForPersistence } from "./rule.ts";
import { feedSameTime, logSameTime, sameTime } from "./same-time.ts";

/** Moments in the past at which nothing changed; spread evenly, so that every time of the day has its turn. */
const times = 50;

/** With fewer of them usable the past says too little about the test. */
const timesMin = 10;

/** A test that finds something in more than this share of them finds it anyway. */
const falseShareMax = 0.1;

/** History used at each of those moments: two hours of blocks are as good as a day to a rate, and cost less. */
const historyUnits = 720;

interface Placebo {
  readonly units: readonly PairedUnit[];
  readonly tolerance: Tolerance;
  readonly compared: boolean;
  readonly runMs: DurationMs;
}

/**
 * Whether the test of a stratum would have suspected something at too many moments of the host's own past, had it restarted
 * there (health-verdict §2.7). It is the only defence where there is no host to compare with: such a test may hold a host,
 * never halt a rollout.
 */
export function isUnreliable(placebo: Placebo): boolean {
  const { units } = placebo;
  if (!units.some(({ changed }) => changed.bad > 0)) return false;
  const starts = startsOf(placebo);
  if (starts.length < timesMin) return false;
  const found = starts.filter((start) => suspects(placebo, start)).length;
  return found / starts.length > falseShareMax;
}

/** Indexes of the units at which a run begins: enough history before, a whole run after. */
function startsOf({ units, runMs }: Placebo): readonly number[] {
  const end = units.at(-1)?.startsAt ?? 0;
  const first = unitsForHistory;
  const last = units.findLastIndex(({ startsAt }) => startsAt + runMs <= end);
  if (last < first) return [];
  const step = Math.max(1, (last - first) / (times - 1));
  const starts: number[] = [];
  for (let at = first; at <= last && starts.length < times; at += step) starts.push(Math.floor(at));
  return starts;
}

function suspects(placebo: Placebo, start: number): boolean {
  const { units, runMs, compared } = placebo;
  const begin = units[start]?.startsAt ?? 0;
  const run: PairedUnit[] = [];
  for (let i = start; i < units.length; i++) {
    const unit = units[i];
    if (unit === undefined || unit.startsAt >= begin + runMs) break;
    run.push(unit);
  }
  if (run.filter(({ changed }) => changed.bad > 0).length < unitsForPersistence) return false;
  const sameTimes = compared ? sameTimesOf(run, placebo.tolerance.ratio) : undefined;
  if (sameTimes?.every((log) => log < Math.log(suspectEvidence))) return false;
  return suspectsByHistory(placebo, start, run, sameTimes);
}

function sameTimesOf(run: readonly PairedUnit[], ratio: number): readonly number[] {
  let test = sameTime(ratio);
  return run.map(({ changed, others, hosts }) => {
    test = feedSameTime(test, changed, others, hosts);
    return logSameTime(test);
  });
}

function suspectsByHistory(
  { units, tolerance }: Placebo,
  start: number,
  run: readonly PairedUnit[],
  sameTimes: readonly number[] | undefined,
): boolean {
  const before = units.slice(Math.max(0, start - historyUnits), start).map(({ changed }) => changed);
  let test = ownHistory(unitHistoryOf(before), tolerance);
  let badUnits = 0;
  for (let i = 0; i < run.length; i++) {
    const { requests, bad } = run[i]?.changed ?? { requests: 0, bad: 0 };
    if (requests > 0) test = feedOwnHistory(test, bad / requests);
    if (bad > 0) badUnits++;
    const log = Math.min(test.logEvidence, sameTimes?.[i] ?? Number.POSITIVE_INFINITY);
    if (badUnits >= unitsForPersistence && log >= Math.log(suspectEvidence)) return true;
  }
  return false;
}
