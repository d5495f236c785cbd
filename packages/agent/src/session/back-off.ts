import { type DurationMs, durationMs } from "@sluice/core";

/** Longest window for reconnecting unless the coordinator wants a longer one. */
const windowMsMax = 60_000;

/**
 * How long to wait before the next attempt: anywhere in a window that starts as wide as the coordinator asked for and doubles
 * with every failure. Full jitter on the first attempt already, so that a fleet does not come back as one.
 */
export function reconnectDelay(windowMs: number, failures: number, chance: number): DurationMs {
  const grown = windowMs * 2 ** Math.min(failures, 10);
  return durationMs(Math.round(chance * Math.min(grown, Math.max(windowMs, windowMsMax))));
}
