import type { HealthState } from "./health-state.ts";

/**
 * As many hosts as one is compared with. The mean of so many scatters by a sixth of what one host does, so that more would make
 * no difference that is seen, while each costs as much as the first: with all of them a wave would cost the square of its hosts.
 */
export const controlsMax = 32;

/** The other hosts of its environment that the rollout has not changed yet. */
export function unchangedHosts({ hosts }: HealthState, host: string): readonly string[] {
  const environment = hosts[host]?.environment;
  return Object.entries(hosts)
    .filter(([name, one]) => name !== host && one.environment === environment && one.changedAt === undefined)
    .map(([name]) => name);
}

/**
 * Whose evidence a host that changes is compared with, by what every host serves: its own, and for each of its sites that of the last
 * {@link controlsMax} in the order of the rollout that serve it and are not changed, since these stay as they are for longest.
 */
export function hostsToCompare(
  state: HealthState,
  host: string,
  sitesOf: (host: string) => readonly string[],
): readonly string[] {
  const sites = new Set(state.hosts[host]?.strata.map(({ site }) => site));
  const left = new Map([...sites].map((site) => [site, controlsMax]));
  const compared = unchangedHosts(state, host)
    .toReversed()
    .filter((name) => {
      const wanted = sitesOf(name).filter((site) => (left.get(site) ?? 0) > 0);
      for (const site of wanted) left.set(site, (left.get(site) ?? 0) - 1);
      return wanted.length > 0;
    });
  return [host, ...compared.toReversed()];
}
