import type { Canary } from "../fleet/fleet.ts";

/**
 * Hosts in the order in which waves take them: canaries first, everybody else as before. Least traffic is the fewest requests
 * among hosts that anybody came to at all: one that nobody comes to shows nothing. `requestsOn` is asked for that only.
 */
export function orderHosts(
  hosts: readonly string[],
  canary: Canary | undefined,
  requestsOn: (host: string) => number,
): readonly string[] {
  const first = canariesOf(hosts, canary, requestsOn);
  return [...first, ...hosts.filter((host) => !first.includes(host))];
}

function canariesOf(
  hosts: readonly string[],
  canary: Canary | undefined,
  requestsOn: (host: string) => number,
): readonly string[] {
  if (canary === undefined) return [];
  if (canary.kind === "hosts") return canary.hosts.filter((host) => hosts.includes(host));
  const used = hosts.map((host) => ({ host, requests: requestsOn(host) })).filter(({ requests }) => requests > 0);
  const [least] = used.toSorted((a, b) => a.requests - b.requests);
  return least === undefined ? [] : [least.host];
}
