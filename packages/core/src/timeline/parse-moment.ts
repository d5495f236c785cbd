import { parseLocalTime } from "../gates/freeze.ts";
import { type Instant, instant, parseDuration } from "../units/time.ts";

/**
 * Reads when something was: `2d` ago, or `2026-03-06`, `2026-03-06 09:11`, `2026-03-06T09:11:30` by the clocks of the zone,
 * or with a `Z` in UTC. Undefined for anything else, so that nobody gets another time than they meant.
 */
export function parseMoment(text: string, now: Instant, zone: string): Instant | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return instant(now - ago);
  const [, minute = text, second = "0", utc] = /^(.{16})(?::([0-5]\d))?(Z)?$/.exec(text) ?? [];
  const moment = parseLocalTime(minute, utc === undefined ? zone : "UTC", "start");
  return moment === undefined ? undefined : instant(moment + Number(second) * 1000);
}
