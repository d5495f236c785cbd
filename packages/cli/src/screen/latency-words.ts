import { latencyBoundsMs } from "@sluice/core/health/latency-buckets";

/** The latency that `share` of the requests stay below, as exact as the buckets are: `38ms`, `> 65s`; `-` without requests. */
export function latencyWords(latency: readonly number[], share: number): string {
  const total = latency.reduce((sum, count) => sum + count, 0);
  if (total === 0) return "-";
  let seen = 0;
  const bucket = latency.findIndex((count) => {
    seen += count;
    return seen >= share * total;
  });
  const bound = latencyBoundsMs[bucket];
  return bound === undefined ? "> 65s" : msWords(bound);
}

/** `3.1ms`, `82ms`, `1.2s`. */
export function msWords(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  return ms < 1000 ? `${Math.round(ms)}ms` : `${Number((ms / 1000).toPrecision(2))}s`;
}
