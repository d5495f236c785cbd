import type { ObservedHost } from "@sluice/core";

/** What tells one run of a process from the next, by slot or child id; processes that are not ours to start are left out. */
export function processesOf({ slots, proxies }: ObservedHost): Readonly<Record<string, string>> {
  const copies = slots
    .filter(({ alive, pid }) => alive && pid !== 0)
    .map(({ site, slot, pid, startedAtMs }) => [`${site}/${slot}`, `${pid}@${startedAtMs}`] as const);
  const serving = proxies.map(({ childId, pid, startedAtMs }) => [childId, `${pid}@${startedAtMs}`] as const);
  return Object.fromEntries([...copies, ...serving]);
}

/**
 * True when nothing runs, or nothing of what ran when an agent looked last: the host has restarted, and what the keeper
 * started again by itself need not be what is proven. An agent that was merely away finds at least one process as it was.
 */
export function isColdStart(before: Readonly<Record<string, string>>, host: ObservedHost): boolean {
  const now = processesOf(host);
  if (Object.keys(now).length === 0) return true;
  const known = Object.entries(before);
  return known.length > 0 && known.every(([id, stamp]) => now[id] !== stamp);
}
