import type { ProbedBinding, SiteDuties } from "../intent/intent.ts";
import type { Hop } from "../probing/probe-result.ts";
import type { HostChange, Rollout, Stage } from "../rollout/rollout.ts";
import { sitesTouched } from "../rollout/wave.ts";
import { defaultHealthSettings, type HealthSettings } from "./health-settings.ts";
import type { PlannedHost, TestPlan } from "./health-state.ts";
import { type TestedStratum, trafficIndicators, type Way } from "./tested-stratum.ts";

export interface TestedFleet {
  /** Hosts of an environment, also those the rollout leaves as they are. */
  readonly hostsOf: (environment: string) => readonly string[];
  /** How the sites of a host are asked while the rollout is on trial there. */
  readonly dutiesOf: (host: string) => readonly SiteDuties[];
}

/** What a rollout tests: every way to the sites it touches, on every host it changes, by the settings it was planned with. */
export function planTests(rollout: Rollout, { hostsOf, dutiesOf }: TestedFleet): TestPlan {
  const hosts = rollout.stages.flatMap((stage) => {
    const changes = new Map(stage.waves.flat().map((change) => [change.host, change]));
    const names = new Set([...changes.keys(), ...hostsOf(stage.environment)]);
    return [...names].map((host) => plannedHost(rollout, stage, host, changes.get(host), dutiesOf));
  });
  const settings = rollout.stages.map((stage) => [stage.environment, settingsIn(rollout, stage)] as const);
  return { settings: Object.fromEntries(settings), hosts };
}

const settingsIn = ({ sites }: Rollout, { health }: Stage): Readonly<Record<string, HealthSettings>> =>
  Object.fromEntries(sites.map((site) => [site, health?.[site] ?? defaultHealthSettings]));

function plannedHost(
  rollout: Rollout,
  { environment }: Stage,
  host: string,
  change: HostChange | undefined,
  dutiesOf: TestedFleet["dutiesOf"],
): PlannedHost {
  if (change === undefined) return { host, environment, changes: false, strata: [] };
  const touched = sitesTouched(rollout, change.units);
  const duties = dutiesOf(host).filter(({ site }) => touched.includes(site));
  return { host, environment, changes: true, strata: duties.flatMap(strataOf) };
}

/** Everything that may be counted of a site: what its users are answered by each indicator, and each probe on each hop. */
export function strataOf({ site, bindings, probes }: SiteDuties): readonly TestedStratum[] {
  return bindings.flatMap((binding): readonly TestedStratum[] => {
    const way = { site, binding: binding.name, bindingPort: binding.bindingPort };
    const traffic = countedWays(site, binding).flatMap((counted) =>
      trafficIndicators.map((indicator) => ({ ...counted, source: "traffic" as const, indicator })),
    );
    const asked = probedHops(binding).flatMap((hop) =>
      probes.map(({ method, path }) => ({
        ...{ ...way, hop, source: "probe" as const, indicator: "unexpected" as const },
        probe: `${method} ${path}`,
      })),
    );
    return [...traffic, ...asked];
  });
}

/** A site's own proxy counts all of its requests; those that come in by a shared port are counted by the front before. */
export function countedWays(
  site: string,
  { name, bindingPort, shared }: ProbedBinding,
): readonly (Way & { readonly hop: "front" | "proxy" })[] {
  const hops = shared ? (["front", "proxy"] as const) : (["proxy"] as const);
  return hops.map((hop) => ({ site, binding: name, bindingPort, hop }));
}

/** A shared port belongs to the front, any other one to the site's own proxy; a public binding may have an edge. */
function probedHops({ shared, kind, edge }: ProbedBinding): readonly Hop[] {
  const listener: Hop = shared ? "front" : "proxy";
  return kind === "public" && edge !== undefined ? ["slot", listener, "edge"] : ["slot", listener];
}
