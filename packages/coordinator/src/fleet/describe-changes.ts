import { diffFleets, unitsOf } from "@sluice/core/fleet/diff-fleets";
import type { PlannedRollout } from "../rollouts/launch.ts";
import type { ConfiguredFleet } from "./fleet-desk.ts";
import type { ProvenReleases } from "./proven-releases.ts";

/** One difference in words, with the hosts on which something live changes. */
export interface FleetChange {
  readonly sentence: string;
  readonly hosts: readonly string[];
}

/** What is different from the applied fleet; what is not live yet changes nothing live. */
export function describeChanges(
  before: ConfiguredFleet | undefined,
  after: ConfiguredFleet,
  proven: ProvenReleases,
  rollouts: readonly PlannedRollout[],
): readonly FleetChange[] {
  const diff = diffFleets(before?.fleet, after.fleet);
  const changes = diff.changes.map((change) => {
    const live = unitsOf(change, diff).filter(({ host, unit }) => proven.digestOf(host, unit) !== undefined);
    return { sentence: change.sentence, hosts: [...new Set(live.map(({ host }) => host))] };
  });
  // Files may be as they were applied while hosts are not: a settings rollout that was turned back.
  return changes.length > 0 ? changes : rollouts.map(outstanding);
}

function outstanding({ rollout }: PlannedRollout): FleetChange {
  const hosts = rollout.stages.flatMap(({ waves }) => waves.flat().map(({ host }) => host));
  return { sentence: `${rollout.title}: applied before, not live everywhere`, hosts };
}
