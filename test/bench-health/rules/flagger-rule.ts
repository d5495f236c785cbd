import type { Count } from "../stratum-source.ts";

/**
 * Like Flagger with usual settings: each minute the success rate of the whole site on the changed host; below 99 %, or without a
 * request, is a failed check. Failed checks are never taken back; the fifth of ten rolls back.
 */
export function flaggerHaltsAt(minutes: readonly Count[]): number | undefined {
  let failed = 0;
  for (const [index, { requests, bad }] of minutes.slice(0, 10).entries()) {
    if (requests === 0 || bad / requests > 0.01) failed++;
    if (failed >= 5) return (index + 1) * 60;
  }
  return undefined;
}
