import { latencyBoundsMs } from "@sluice/core/health/latency-buckets";
import type { Outcome } from "@sluice/core/health/outcome";
import type { ProxyCounts } from "../counting/proxy-counters.ts";
import type { TrafficCounts } from "../counting/traffic-counters.ts";
import type { ProxyProcess } from "../settings/process-settings.ts";
import { bindingKey } from "./hosts-map.ts";

/** Counts of one worker by key of the table `counts`, each a list by first digit of the status; `refused` in place 0. */
export type WorkerCounts = ReadonlyMap<string, readonly number[]>;

/** What `show table counts` says. */
export function parseCounts(text: string): WorkerCounts {
  const counts = new Map<string, readonly number[]>();
  for (const line of text.split("\n")) {
    const [, key] = / key=(\S+) /.exec(line) ?? [];
    if (key === undefined) continue;
    const requests = Number(/ http_req_cnt=(\d+)/.exec(line)?.[1] ?? 0);
    const classes = [...line.matchAll(/ gpc[1-5]=(\d+)/g)].map(([, count]) => Number(count));
    counts.set(key, [requests, ...classes]);
  }
  return counts;
}

/**
 * Adds up the counts of workers. Each counts from zero and takes its counts with it, so what was last read of a worker
 * stays in the sum when it is gone.
 */
export class AccumulatedCounts {
  readonly #byWorker = new Map<number, WorkerCounts>();

  /** The newest reading of one worker. */
  take(pid: number, counts: WorkerCounts): void {
    this.#byWorker.set(pid, counts);
  }

  of(key: string): readonly number[] {
    const sum = [0, 0, 0, 0, 0, 0];
    for (const counts of this.#byWorker.values()) {
      for (const [at, count] of (counts.get(key) ?? []).entries()) sum[at] = (sum[at] ?? 0) + count;
    }
    return sum;
  }
}

/** The sums in the form that every engine answers with. Latencies are not measured by this engine: their buckets are empty. */
export function proxyCounts(process: ProxyProcess, startedAt: number, counts: AccumulatedCounts): ProxyCounts {
  const bindings = process.kind === "front" ? process.settings.routes : process.settings.bindings;
  return {
    startedAt,
    latencyBoundsMs,
    bindings: bindings.map((binding, index) => ({
      name: binding.name,
      bindingPort: binding.bindingPort,
      ...("site" in binding ? { site: String(binding.site) } : {}),
      users: traffic(counts.of(`${bindingKey(index)}/u`)),
      probes: traffic(counts.of(`${bindingKey(index)}/p`)),
    })),
    refused: { malformed: counts.of("malformed")[0] ?? 0, unknownHost: counts.of("unknown")[0] ?? 0 },
  };
}

/** By the first digit of the status. */
const outcomeByDigit: readonly Outcome[] = ["upgraded", "ok", "redirected", "refused", "failed"];

function traffic(byDigit: readonly number[]): TrafficCounts {
  const counted = outcomeByDigit.flatMap((outcome, index): [Outcome, number][] => {
    const count = byDigit[index + 1] ?? 0;
    return count > 0 ? [[outcome, count]] : [];
  });
  return { outcomes: Object.fromEntries(counted), sumMs: 0, latency: [] };
}
