import type { DurationMs } from "@sluice/core";
import { durationMs } from "@sluice/core/units/time";

/** Longest window for reconnecting unless the coordinator wants a longer one. */
const windowMsMax = 60_000;

/**
 * How long to wait before the next attempt: anywhere in a window that starts as wide as the coordinator asked for and
 * widens to the time it has been away. Full jitter on the first attempt already, so that a fleet does not come back as
 * one; tied to time instead of attempts, because a few short waits in a row say nothing about how long it stays away.
 */
export function reconnectDelay(windowMs: number, awayMs: number, chance: number): DurationMs {
  const longest = Math.max(windowMs, windowMsMax);
  return durationMs(Math.round(chance * Math.min(Math.max(windowMs, awayMs), longest)));
}
