import type { HealthState } from "./health-state.ts";

/** The other hosts of its environment that the rollout has not changed yet. */
export function unchangedHosts({ hosts }: HealthState, host: string): readonly string[] {
  const environment = hosts[host]?.environment;
  return Object.entries(hosts)
    .filter(([name, one]) => name !== host && one.environment === environment && one.changedAt === undefined)
    .map(([name]) => name);
}
