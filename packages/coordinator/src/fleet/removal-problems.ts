import { proxyUnit } from "@sluice/core";
import type { FleetProblem } from "@sluice/core/fleet/fleet-problem";
import { placedSteps } from "@sluice/core/rollout/wave";
import type { StoredRollout } from "../store/rollouts.ts";
import type { ConfiguredFleet } from "./fleet-desk.ts";
import type { ProvenReleases } from "./proven-releases.ts";

/**
 * What a fleet file may not leave out: a site that is live on a host of it, and a host that an active rollout is changing.
 * Leaving out is too easily a slip of the pen to take a site down by.
 */
export function removalProblems(
  configured: ConfiguredFleet,
  proven: ProvenReleases,
  active: readonly StoredRollout[],
  file: string,
): readonly FleetProblem[] {
  const hosts = configured.fleet.hosts.map(({ name }) => name);
  const live = hosts.flatMap((host) => {
    const wanted = configured.configurationOf(host).proxies.map(({ unit }) => unit);
    return proven.sitesOn(host).flatMap((site) => (wanted.includes(proxyUnit(site)) ? [] : [{ host, site }]));
  });
  const bySite = Map.groupBy(live, ({ site }) => site);
  const sites = [...bySite].map(([site, on]) =>
    problem(
      file,
      `sites.${site}`,
      `site '${site}' is live on ${on.map(({ host }) => host).join(", ")} and is not in the fleet file there any more`,
      "take those hosts out of the fleet, or keep the site",
    ),
  );
  const moving = active.flatMap(({ rollout, state }) =>
    placedSteps(rollout, state.steps)
      .filter(({ change }) => !hosts.includes(change.host))
      .map(({ change }) =>
        problem(
          file,
          `hosts.${change.host}`,
          `host '${change.host}' is in rollout ${rollout.id} (${rollout.title})`,
          `end it first: sluice rollout abort ${rollout.id}`,
        ),
      ),
  );
  return [...sites, ...moving];
}

const problem = (file: string, path: string, sentence: string, hint: string): FleetProblem => ({
  file,
  line: 1,
  column: 1,
  path,
  sentence,
  hint,
});
