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

/** What `show table` says of requests, by key. */
export function parseTable(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, key, count] of text.matchAll(/ key=(\S+) .*? http_req_cnt=(\d+)/g)) {
    if (key !== undefined) counts[key] = Number(count);
  }
  return counts;
}

/** What `unreachable counts` says: a key and its count in each line. */
export function parseUnreachable(text: string): Record<string, number> {
  return Object.fromEntries([...text.matchAll(/^(\d+) (\d+)$/gm)].map(([, key, count]) => [key, Number(count)]));
}

/** The sums in the form that every engine answers with. */
export function proxyCounts(process: ProxyProcess, counts: AccumulatedCounts): ProxyCounts {
  const { answers, unreachable, refused } = Object.values(counts.workers).reduce(add, counts.gone);
  const traffic = new TrafficByBinding();
  for (const [key, count] of Object.entries(answers)) traffic.add(parseCountKey(Number(key)), count);
  for (const [key, count] of Object.entries(unreachable)) {
    const parsed = parseCountKey(Number(key));
    if (parsed !== undefined) traffic.add({ ...parsed, outcome: "unreachable", bucket: slowestBucket }, count);
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
    refused: { malformed: refused["malformed"] ?? 0, unknownHost: refused["unknown"] ?? 0 },
  };
}

interface Traffic {
  readonly outcomes: Partial<Record<Outcome, number>>;
  readonly latency: number[];
  sumMs: number;
}

class TrafficByBinding {
  readonly #byKind = new Map<string, Traffic>();

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
    const name = `${binding} ${kind}`;
    const known = this.#byKind.get(name);
    if (known !== undefined) return known;
    const traffic: Traffic = { outcomes: {}, latency: Array.from({ length: latencyBuckets }, () => 0), sumMs: 0 };
    this.#byKind.set(name, traffic);
    return traffic;
  }
}

/** HAProxy counts by bucket only, so a sum is one of their middles, within 10 % of each latency; the last has no part in sums. */
function middleMs(bucket: number): number {
  const upper = latencyBoundsMs[bucket];
  return upper === undefined ? 0 : (upper + (latencyBoundsMs[bucket - 1] ?? 0)) / 2;
}
