import type { DurationMs, Instant } from "@sluice/core";
import { instant } from "@sluice/core/units/time";

/**
 * The newest round of a site at a moment: rounds are `everyMs` apart on every host at the same time. Each site has its own phase,
 * which follows from its name, so that a host with many sites does not ask them all at once.
 */
export function roundAt(now: Instant, site: string, everyMs: DurationMs): Instant {
  const phase = hashOf(site) % everyMs;
  return instant(Math.floor((now - phase) / everyMs) * everyMs + phase);
}

/** FNV-1a, 32 bits; the same on every host and in every version, or rounds would fall apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}
