import { isIgnored, settingsAt } from "./health-settings.ts";
import type { HealthState, PlannedHost, TestPlan } from "./health-state.ts";
import { stratumKey, type TestedStratum } from "./tested-stratum.ts";

/** Share of the whole weight for strata that were planned; the rest is for those that appear during the rollout. */
const plannedShare = 0.9;

/**
 * Fixes what a rollout tests before its first host changes: a weight for each stratum of each host it is going to change.
 * Weights add up to 1 at most, which bounds the probability of a false halt over the whole rollout (health-verdict §2.4).
 */
export function startTests({ settings, hosts }: TestPlan): HealthState {
  const tested = hosts.map((host) => ({
    ...host,
    strata: host.strata.filter((one) => !isIgnored(settingsAt(settings, host.environment, one.site), one)),
  }));
  return {
    settings,
    hosts: Object.fromEntries(
      tested.map(({ host, environment, strata }) => [host, { environment, strata, slowCuts: {} }]),
    ),
    weights: weightsOf(tested.filter(({ changes }) => changes)),
    lateStrata: 0,
    tests: {},
    shares: {},
  };
}

/** Names a stratum on a host. */
export const testKey = (host: string, stratum: TestedStratum): string => `${host}|${stratumKey(stratum)}`;

/** Weight of the `number`th stratum that no plan knew; all of them together get what the planned ones leave. */
export const lateWeight = (number: number): number => ((1 - plannedShare) * 6) / (Math.PI * number) ** 2;

function weightsOf(hosts: readonly PlannedHost[]): Readonly<Record<string, number>> {
  const strata = hosts.flatMap(({ host, strata: all }) => all.map((stratum) => ({ host, stratum })));
  const total = strata.reduce((sum, { stratum }) => sum + pointsOf(stratum), 0);
  return Object.fromEntries(
    strata.map(({ host, stratum }) => [testKey(host, stratum), (plannedShare * pointsOf(stratum)) / total]),
  );
}

/** What breaks a binding outright gets its verdict soonest; of two looks at latency the second gets half. */
function pointsOf({ indicator }: TestedStratum): number {
  if (indicator === "above-median") return 0.5;
  return indicator === "failed" || indicator === "refused" || indicator === "unexpected" ? 4 : 1;
}
