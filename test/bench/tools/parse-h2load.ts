import { durationMsOf } from "./parse-wrk.ts";

/** What h2load says of a timed run. */
export interface H2loadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly meanMs: number;
  readonly slowestMs: number;
  /** Requests that failed, were in error or ran out of time, and answers that were neither 2xx nor 3xx. */
  readonly failed: number;
}

/** Throws with the whole text when something is missing. */
export function parseH2load(text: string): H2loadResult {
  const find = (pattern: RegExp): readonly string[] => {
    const found = pattern.exec(text)?.slice(1);
    if (found === undefined) throw new Error(`cannot read h2load's report: ${pattern} is not in it\n${text}`);
    return found;
  };
  const [rate] = find(/^finished in \S+, ([\d.]+) req\/s/m);
  const counts = find(/^requests: .* (\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m).map(
    Number,
  );
  const statuses = find(/^status codes: \d+ 2xx, \d+ 3xx, (\d+) 4xx, (\d+) 5xx/m).map(Number);
  const [slowest = "", mean = ""] = find(/^time for request:\s+\S+\s+(\S+)\s+(\S+)/m);
  const [requests = 0, ...failures] = counts;
  return {
    requests,
    requestsPerSecond: Number(rate),
    meanMs: durationMsOf(mean),
    slowestMs: durationMsOf(slowest),
    failed: Math.max(sumOf(failures), sumOf(statuses)),
  };
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
