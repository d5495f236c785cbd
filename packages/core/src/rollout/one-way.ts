import type { Rollout, StepState, Steps } from "./rollout.ts";
import { nameHosts, placedSteps } from "./wave.ts";

/** What of this step may be met by users, or may be any moment. */
function isOrMayBeLive(step: StepState): boolean {
  switch (step.kind) {
    case "activating":
    case "provisional":
    case "passed":
    case "revert-failed":
      return true;
    case "failed":
      return step.touchedTraffic;
    default:
      return false;
  }
}

/** Hosts on which a one-way release is live or may be: those that nothing but a person's word takes back. */
export function oneWayHosts(rollout: Rollout, steps: Steps): readonly string[] {
  if (rollout.oneWay === undefined) return [];
  return placedSteps(rollout, steps).flatMap(({ change, step }) => (isOrMayBeLive(step) ? [change.host] : []));
}

/** Why a rollout stays as it is after a halt, and what a person may do about it. */
export function oneWaySentence({ id, title, oneWay = "" }: Rollout, hosts: readonly string[]): string {
  return [
    `${title} (rollout ${id}) is not taken back, because it is one-way (${oneWay}): ${nameHosts(hosts)} may run it`,
    `keep it and deploy a mended release: sluice rollout keep ${id} --reason …`,
    `or take it back all the same: sluice rollout revert ${id} --reason …`,
  ].join("; ");
}
