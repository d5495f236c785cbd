import { type Instant, instant } from "../units/time.ts";
import { countBlock } from "./count-block.ts";
import type { HistoryEvidence, ProbeAnswer } from "./fed-evidence.ts";
import { stratumKey, type TestedStratum, wayKey } from "./tested-stratum.ts";
import type { TrafficBlock } from "./traffic-block.ts";
import type { Tally } from "./verdict-row.ts";

/** What a host counted for a stratum in one unit of time: a block of traffic, or a round of a probe. */
export interface Unit extends Tally {
  readonly startsAt: Instant;
  /** Of a probe that failed, in words. */
  readonly failure?: string;
}

/** Evidence sorted by host and way (probes: by host and stratum), in order of time, each block and round once. */
export interface EvidenceIndex {
  readonly traffic: ReadonlyMap<string, readonly TrafficBlock[]>;
  readonly probes: ReadonlyMap<string, readonly ProbeAnswer[]>;
}

export function indexEvidence({ traffic, probes }: HistoryEvidence): EvidenceIndex {
  const blocks = groupBy(traffic, ({ host, block }) => `${host}|${wayKey(block)}`);
  const answers = groupBy(probes, ({ host, stratum }) => `${host}|${stratumKey(stratum)}`);
  return {
    traffic: new Map(
      [...blocks].map(([key, list]) => [
        key,
        onceEach(
          list.map(({ block }) => block),
          ({ startsAt }) => startsAt,
        ),
      ]),
    ),
    probes: new Map([...answers].map(([key, list]) => [key, onceEach(list, ({ round }) => round)])),
  };
}

/** The blocks a host counted for the way of a stratum. */
export const blocksOf = (index: EvidenceIndex, host: string, stratum: TestedStratum): readonly TrafficBlock[] =>
  index.traffic.get(`${host}|${wayKey(stratum)}`) ?? [];

/** Only units with requests. A probe that could not be asked says nothing, so it is none. */
export function unitsOf(
  index: EvidenceIndex,
  host: string,
  stratum: TestedStratum,
  slowAbove: number | undefined,
): readonly Unit[] {
  if (stratum.source === "probe") {
    return (index.probes.get(`${host}|${stratumKey(stratum)}`) ?? []).flatMap(unitOfAnswer);
  }
  return blocksOf(index, host, stratum).flatMap((block) => {
    const tally = countBlock(block, stratum.indicator, slowAbove);
    return tally.requests === 0 ? [] : [{ startsAt: block.startsAt, ...tally }];
  });
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

function unitOfAnswer({ round, outcome }: ProbeAnswer): readonly Unit[] {
  if (outcome.kind === "unknown") return [];
  if (outcome.kind === "good") return [{ startsAt: round, requests: 1, bad: 0 }];
  return [{ startsAt: round, requests: 1, bad: 1, failure: outcome.reason }];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function onceEach<T>(items: readonly T[], at: (item: T) => number): readonly T[] {
  const sorted = items.toSorted((a, b) => at(a) - at(b));
  return sorted.filter((item, index) => index === 0 || at(item) !== at(sorted[index - 1] as T));
}
