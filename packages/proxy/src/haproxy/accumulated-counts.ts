import { latencyBoundsMs, latencyBuckets } from "@sluice/core/health/latency-buckets";
import type { Outcome } from "@sluice/core/health/outcome";
import type { ProxyCounts } from "../counting/proxy-counters.ts";
import type { TrafficCounts } from "../counting/traffic-counters.ts";
import type { ProxyProcess } from "../settings/process-settings.ts";
import { type CountKey, parseCountKey, slowestBucket } from "./count-keys.ts";

/** Counts of one worker: what HAProxy says, by the keys that it has them under. */
export interface WorkerCounts {
  /** Answers of slots by count key. */
  readonly answers: Readonly<Record<string, number>>;
  /** Requests that no slot answered, by count base. */
  readonly unreachable: Readonly<Record<string, number>>;
  /** `malformed` and `unknown`. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * All counts of a process. Workers count from zero and take their counts with them, so what was last read of a worker stays
 * when it is gone. Part of what a process writes down, so that another reader goes on where the last one was.
 */
export interface AccumulatedCounts {
  /** When counting began. */
  readonly startedAt: number;
  /** Sum over the workers that are gone. */
  readonly gone: WorkerCounts;
  /** The last reading of the others, by pid and start: a pid alone may be that of another one later. */
  readonly workers: Readonly<Record<string, WorkerCounts>>;
}

export const noCounts: WorkerCounts = { answers: {}, unreachable: {}, refused: {} };

/** How a worker is called here. */
export const workerName = (pid: number, startedAt: number): string => `${pid}@${startedAt}`;

const startOf = (worker: string): number => Number(worker.split("@")[1]);

/**
 * Whether two readings differ in nothing but what probes were answered: nobody adds that up, and at rest nothing else changes.
 */
export function isSameButProbes(a: AccumulatedCounts, b: AccumulatedCounts): boolean {
  const names = Object.keys(a.workers);
  if (a.startedAt !== b.startedAt || names.length !== Object.keys(b.workers).length) return false;
  if (!areSameOfUsers(a.gone, b.gone)) return false;
  return names.every((name) => {
    const [one, other] = [a.workers[name], b.workers[name]];
    return one !== undefined && other !== undefined && areSameOfUsers(one, other);
  });
}

function areSameOfUsers(a: WorkerCounts, b: WorkerCounts): boolean {
  const isAny = (): boolean => true;
  return (
    areIn(b.answers, a.answers, isOfUsers) &&
    areIn(a.answers, b.answers, isOfUsers) &&
    areIn(b.unreachable, a.unreachable, isOfUsers) &&
    areIn(a.unreachable, b.unreachable, isOfUsers) &&
    areIn(b.refused, a.refused, isAny) &&
    areIn(a.refused, b.refused, isAny)
  );
}

const isOfUsers = (key: string): boolean => parseCountKey(Number(key))?.kind !== "probes";

/** Whether all of these are so in `other`. */
function areIn(other: Counts, counts: Counts, isMeant: (key: string) => boolean): boolean {
  for (const key in counts) if (counts[key] !== other[key] && isMeant(key)) return false;
  return true;
}

/** The counts after a reading of all workers that there are. */
export function accumulate(
  before: AccumulatedCounts | undefined,
  readings: Readonly<Record<string, WorkerCounts>>,
): AccumulatedCounts {
  const left = Object.entries(before?.workers ?? {}).filter(([worker]) => readings[worker] === undefined);
  return {
    startedAt: before?.startedAt ?? Math.min(...Object.keys(readings).map(startOf)),
    gone: left.reduce((sum, [, counts]) => add(sum, counts), before?.gone ?? noCounts),
    workers: readings,
  };
}

function add(a: WorkerCounts, b: WorkerCounts): WorkerCounts {
  return {
    answers: addRecords(a.answers, b.answers),
    unreachable: addRecords(a.unreachable, b.unreachable),
    refused: addRecords(a.refused, b.refused),
  };
}

type Counts = Readonly<Record<string, number>>;

function addRecords(a: Counts, b: Counts): Counts {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  const sum: Record<string, number> = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

function isEmpty(counts: Counts): boolean {
  for (const _ in counts) return false;
  return true;
}

const keyMark = " key=";
const countMark = " http_req_cnt=";
/** HAProxy counts in 32 bits. */
const digitsMax = 10;

/** What `show table` says of requests, by key. */
export function parseTable(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let at = text.indexOf(keyMark); at !== -1; at = text.indexOf(keyMark, at)) {
    const keyEnd = text.indexOf(" ", at + keyMark.length);
    const key = text.slice(at + keyMark.length, keyEnd);
    const countAt = text.indexOf(countMark, keyEnd);
    if (keyEnd === -1 || countAt === -1) break;
    counts[key] = Number.parseInt(text.slice(countAt + countMark.length, countAt + countMark.length + digitsMax), 10);
    at = countAt;
  }
  return counts;
}

/** What `unreachable counts` says: a key and its count in each line. */
export function parseUnreachable(text: string): Record<string, number> {
  return Object.fromEntries([...text.matchAll(/^(\d+) (\d+)$/gm)].map(([, key, count]) => [key, Number(count)]));
}

/** The sums in the form that every engine answers with. */
export function proxyCounts(process: ProxyProcess, counts: AccumulatedCounts): ProxyCounts {
  const traffic = new TrafficByBinding();
  let [malformed, unknownHost] = [0, 0];
  for (const { answers, unreachable, refused } of [counts.gone, ...Object.values(counts.workers)]) {
    for (const key in answers) traffic.add(parseCountKey(Number(key)), answers[key] ?? 0);
    for (const key in unreachable) {
      const parsed = parseCountKey(Number(key));
      const as = { outcome: "unreachable", bucket: slowestBucket } as const;
      if (parsed !== undefined) traffic.add({ ...parsed, ...as }, unreachable[key] ?? 0);
    }
    malformed += refused["malformed"] ?? 0;
    unknownHost += refused["unknown"] ?? 0;
  }
  const bindings = process.kind === "front" ? process.settings.routes : process.settings.bindings;
  return {
    startedAt: counts.startedAt,
    latencyBoundsMs,
    bindings: bindings.map((binding, index) => ({
      name: binding.name,
      bindingPort: binding.bindingPort,
      ...("site" in binding ? { site: String(binding.site) } : {}),
      users: traffic.of(index, "users"),
      probes: traffic.of(index, "probes"),
    })),
    refused: { malformed, unknownHost },
  };
}

interface Traffic {
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly latency: number[];
  sumMs: number;
}

class TrafficByBinding {
  readonly #byBinding = { users: new Map<number, Traffic>(), probes: new Map<number, Traffic>() };

  add(key: CountKey | undefined, count: number): void {
    if (key === undefined) return;
    const traffic = this.#at(key.binding, key.kind);
    traffic.outcomes[key.outcome] = (traffic.outcomes[key.outcome] ?? 0) + count;
    if (key.outcome === "upgraded") return;
    traffic.latency[key.bucket] = (traffic.latency[key.bucket] ?? 0) + count;
    traffic.sumMs += count * middleMs(key.bucket);
  }

  of(binding: number, kind: CountKey["kind"]): TrafficCounts {
    return this.#at(binding, kind);
  }

  #at(binding: number, kind: CountKey["kind"]): Traffic {
    const known = this.#byBinding[kind].get(binding);
    if (known !== undefined) return known;
    const traffic: Traffic = { outcomes: {}, latency: new Array<number>(latencyBuckets).fill(0), sumMs: 0 };
    this.#byBinding[kind].set(binding, traffic);
    return traffic;
  }
}

/** HAProxy counts by bucket only, so a sum is one of their middles, within 10 % of each latency; the last has no part in sums. */
function middleMs(bucket: number): number {
  const upper = latencyBoundsMs[bucket];
  return upper === undefined ? 0 : (upper + (latencyBoundsMs[bucket - 1] ?? 0)) / 2;
}
