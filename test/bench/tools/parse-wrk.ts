/** What wrk says of a run with `--latency`. */
export interface WrkResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were neither 2xx nor 3xx, and socket errors of every kind. */
  readonly failed: number;
}

/** Throws with the whole text when something is missing, so that a changed wrk is found out at once. */
export function parseWrk(text: string): WrkResult {
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(text)?.[1];
    if (found === undefined) throw new Error(`cannot read wrk's report: ${pattern} is not in it\n${text}`);
    return found;
  };
  return {
    requests: Number(find(/^\s*(\d+) requests in /m)),
    requestsPerSecond: Number(find(/^Requests\/sec:\s+([\d.]+)/m)),
    p50Ms: durationMsOf(find(/^\s*50(?:\.000)?%\s+(\S+)/m)),
    p99Ms: durationMsOf(find(/^\s*99(?:\.000)?%\s+(\S+)/m)),
    failed: failuresIn(text),
  };
}

function failuresIn(text: string): number {
  const wrong = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  return sockets.reduce((sum, count) => sum + Number(count), wrong);
}

const msOfUnit: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `812.00us`, `1.53ms`, `2.01s` as milliseconds; wrk and h2load write times alike. */
export function durationMsOf(text: string): number {
  const [, digits, unit = ""] = /^([\d.]+)(us|ms|s|m|h)$/.exec(text) ?? [];
  const factor = msOfUnit[unit];
  if (digits === undefined || factor === undefined) throw new Error(`cannot read the time '${text}'`);
  return Number(digits) * factor;
}
