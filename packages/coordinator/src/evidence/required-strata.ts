import type { Hop, ProbedBinding, SiteDuties, Stratum } from "@sluice/core";

/** Every way a user or a probe can reach one of these sites on a host: each has to be heard of before a wave passes. */
export function requiredStrata(duties: readonly SiteDuties[]): readonly Stratum[] {
  return duties.flatMap(({ site, bindings }) =>
    bindings.flatMap((binding) =>
      hopsOf(binding).map(
        (hop): Stratum => ({ site, binding: binding.name, hop, source: "probe", indicator: "failure" }),
      ),
    ),
  );
}

/** A shared port belongs to the front, any other one to the site's own proxy; a public binding may have an edge. */
function hopsOf({ shared, kind, edge }: ProbedBinding): readonly Hop[] {
  const listener: Hop = shared ? "front" : "proxy";
  return kind === "public" && edge !== undefined ? ["slot", listener, "edge"] : ["slot", listener];
}
