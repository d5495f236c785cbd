import { type Instant, instant } from "../units/time.ts";
import { countBlock } from "./count-block.ts";
import type { HistoryEvidence, ProbeAnswer } from "./fed-evidence.ts";
import { finish } from "./finish.ts";
import { stratumKey, type TestedStratum, wayKey } from "./tested-stratum.ts";
import { blockMs, type TrafficBlock } from "./traffic-block.ts";
import type { Tally } from "./verdict-row.ts";

/** What a host counted for a stratum in one unit of time: a block of traffic, or a round of a probe. */
export interface Unit extends Tally {
  readonly startsAt: Instant;
  /** Of a probe that failed, in words. */
  readonly failure?: string;
}

/** Evidence sorted by host and way (probes: by host and stratum), in order of time, each block and round once. */
export interface EvidenceIndex {
  readonly traffic: ByHost<TrafficBlock>;
  readonly probes: ByHost<ProbeAnswer>;
}

/** By host, and then by way or stratum. */
type ByHost<T> = ReadonlyMap<string, ReadonlyMap<string, readonly T[]>>;

export const indexEvidence = (evidence: HistoryEvidence): EvidenceIndex => finish(indexEvidenceSteps(evidence));

/** Rows between two steps: some tens of milliseconds on a slow machine. */
const rowsPerStep = 10_000;

/** The same in steps, for a day of history; what had not ended by `endedBy` is left out. */
export function* indexEvidenceSteps(
  { traffic, probes }: HistoryEvidence,
  endedBy: number = Number.POSITIVE_INFINITY,
): Generator<undefined, EvidenceIndex> {
  const blocks = new Map<string, Map<string, TrafficBlock[]>>();
  const answers = new Map<string, Map<string, ProbeAnswer[]>>();
  let rows = 0;
  for (const { host, block } of traffic) {
    if (++rows % rowsPerStep === 0) yield;
    if (block.startsAt + blockMs <= endedBy) add(blocks, host, wayKey(block), block);
  }
  for (const answer of probes) {
    if (++rows % rowsPerStep === 0) yield;
    if (answer.round < endedBy) add(answers, answer.host, stratumKey(answer.stratum), answer);
  }
  return {
    traffic: yield* eachOnce(blocks, ({ startsAt }) => startsAt),
    probes: yield* eachOnce(answers, ({ round }) => round),
  };
}

/** The blocks a host counted for the way of a stratum. */
export const blocksOf = (index: EvidenceIndex, host: string, stratum: TestedStratum): readonly TrafficBlock[] =>
  index.traffic.get(host)?.get(wayKey(stratum)) ?? [];

/** Only units with requests. A probe that could not be asked says nothing, so it is none. */
export function unitsOf(
  index: EvidenceIndex,
  host: string,
  stratum: TestedStratum,
  slowAbove: number | undefined,
): readonly Unit[] {
  if (stratum.source === "probe") return unitsOfAnswers(index.probes.get(host)?.get(stratumKey(stratum)) ?? []);
  const units: Unit[] = [];
  for (const block of blocksOf(index, host, stratum)) {
    const { requests, bad } = countBlock(block, stratum.indicator, slowAbove);
    if (requests > 0) units.push({ startsAt: block.startsAt, requests, bad });
  }
  return units;
}

/** A control is asked for by every host that is compared with it. */
const unitsByAnswers = new WeakMap<readonly ProbeAnswer[], readonly Unit[]>();

function unitsOfAnswers(answers: readonly ProbeAnswer[]): readonly Unit[] {
  const known = unitsByAnswers.get(answers);
  if (known !== undefined) return known;
  const units = answers.filter(({ outcome }) => outcome.kind !== "unknown").map(unitOfAnswer);
  unitsByAnswers.set(answers, units);
  return units;
}

/** Adjacent units as longer ones, on multiples of `unitMs`. */
export function mergeUnits(units: readonly Unit[], unitMs: number): readonly Unit[] {
  const merged: Unit[] = [];
  for (const unit of units) {
    const startsAt = instant(Math.floor(unit.startsAt / unitMs) * unitMs);
    const last = merged.at(-1);
    if (last?.startsAt !== startsAt) merged.push({ ...unit, startsAt });
    else merged[merged.length - 1] = { startsAt, requests: last.requests + unit.requests, bad: last.bad + unit.bad };
  }
  return merged;
}

function unitOfAnswer({ round, outcome }: ProbeAnswer): Unit {
  if (outcome.kind === "good") return { startsAt: round, requests: 1, bad: 0 };
  return { startsAt: round, requests: 1, bad: 1, failure: outcome.reason };
}

function add<T>(byHost: Map<string, Map<string, T[]>>, host: string, key: string, item: T): void {
  const groups = byHost.get(host);
  const group = groups?.get(key);
  if (group !== undefined) group.push(item);
  else if (groups !== undefined) groups.set(key, [item]);
  else byHost.set(host, new Map([[key, [item]]]));
}

function* eachOnce<T>(
  byHost: ReadonlyMap<string, ReadonlyMap<string, readonly T[]>>,
  at: (item: T) => number,
): Generator<undefined, ByHost<T>> {
  const sorted = new Map<string, ReadonlyMap<string, readonly T[]>>();
  for (const [host, groups] of byHost) {
    const own = new Map<string, readonly T[]>();
    for (const [key, list] of groups) {
      yield;
      own.set(key, onceEach(list, at));
    }
    sorted.set(host, own);
  }
  return sorted;
}

/** In order of time; evidence mostly comes in it, and is left alone then. */
function onceEach<T>(items: readonly T[], at: (item: T) => number): readonly T[] {
  if (isRising(items, at)) return items;
  const sorted = items.toSorted((a, b) => at(a) - at(b));
  return sorted.filter((item, index) => index === 0 || at(item) !== at(sorted[index - 1] as T));
}

function isRising<T>(items: readonly T[], at: (item: T) => number): boolean {
  let before = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    const now = at(item);
    if (now <= before) return false;
    before = now;
  }
  return true;
}
