import { healthSettingsOf } from "../fleet/complete-health.ts";
import type { Environment, Fleet, Gates, OnRegression, Site } from "../fleet/fleet.ts";
import type { UnitKey } from "../intent/intent.ts";
import { type DurationMs, durationMs, type Instant, minutes } from "../units/time.ts";
import { orderHosts } from "./order-hosts.ts";
import { planWaves } from "./plan-waves.ts";
import type { HostChange, Override, Rollout, Stage, StageBelow, UnitChange } from "./rollout.ts";
import { rebootStepMs, stepTimeoutDefaultMs } from "./timings.ts";

export interface RolloutRequest {
  readonly id: string;
  readonly kind: Rollout["kind"];
  readonly title: string;
  /** Sites whose users may notice; their hosts, caps and wishes count. */
  readonly sites: readonly string[];
  readonly by: string;
  readonly reason?: string;
  readonly createdAt: Instant;
  readonly overrides?: readonly Override[];
  /** See {@link Rollout.oneWay}. */
  readonly oneWay?: string;
  readonly fleet: Fleet;
  /** Only these environments; all where a site is bound when absent. The fleet's order decides. */
  readonly environments?: readonly string[];
  /** Only these hosts; all when absent. */
  readonly hosts?: readonly string[];
  /** What is to be live on a host in the end. A release names its site, its proxy and the front, as the host needs them. */
  readonly targets: (host: string) => readonly UnitTarget[];
  /** What is proven there now. */
  readonly proven: (host: string, unit: UnitKey) => string | undefined;
  /** Users' requests that came to the sites on a host lately; for environments whose canary is the host with the least. */
  readonly requestsOn?: (host: string, sites: readonly string[]) => number;
}

export interface UnitTarget {
  readonly unit: UnitKey;
  readonly digest: string;
  /** See {@link UnitChange.renews}. */
  readonly renews?: readonly string[];
}

/**
 * A rollout over every host where a target differs from what is proven; what differs on one host is one step and is
 * activated together. Restarts and reboots take every target as it is, and so does what presents another certificate.
 */
export function createRollout(request: RolloutRequest): Rollout {
  const sites = request.fleet.sites.filter(({ name }) => request.sites.includes(name));
  const environments = request.fleet.environments.filter(
    ({ name }) => request.environments === undefined || request.environments.includes(name),
  );
  const stages = environments
    .map((environment) => stageOf(request, sites, environment))
    .filter(({ waves }) => waves.length > 0);
  return {
    id: request.id,
    kind: request.kind,
    title: request.title,
    sites: request.sites,
    by: request.by,
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    createdAt: request.createdAt,
    onRegression: stages.length > 0 && stages.every(({ onRegression }) => onRegression === "hold") ? "hold" : "revert",
    ...(request.oneWay === undefined ? {} : { oneWay: request.oneWay }),
    stages,
    overrides: request.overrides ?? [],
  };
}

/** Hosts of an environment that serve one of these sites, in the fleet's order. */
export function hostsServing(environment: Environment, sites: readonly Site[]): readonly string[] {
  const bound = sites.some(({ bindings }) => (bindings[environment.name] ?? []).length > 0);
  return bound ? environment.hosts : [];
}

/** Room for a slow start and a second try. */
function stepTimeoutOf(sites: readonly Site[]): DurationMs {
  const starts = sites.map(({ ready }) => ready.withinMs * 2 + minutes(2));
  return durationMs(Math.max(stepTimeoutDefaultMs / 2, ...starts));
}

function stageOf(request: RolloutRequest, sites: readonly Site[], environment: Environment): Stage {
  const { kind } = request;
  const changes = new Map<string, HostChange>();
  for (const host of hostsServing(environment, sites)) {
    if (request.hosts !== undefined && !request.hosts.includes(host)) continue;
    const units = changesOf(request, host);
    if (units.length > 0) changes.set(host, { host, units });
  }
  const requestsOn = (host: string): number => request.requestsOn?.(host, request.sites) ?? 0;
  const waves = planWaves(orderHosts([...changes.keys()], environment.canary, requestsOn), environment.waves);
  return {
    environment: environment.name,
    gates: gatesOf(request, environment),
    health: Object.fromEntries(
      sites.map(({ name }) => [name, healthSettingsOf(request.fleet, name, environment.name)]),
    ),
    onRegression: onRegressionIn(sites, environment),
    maxUnavailable: kind === "reboot" ? 1 : Math.min(...sites.map(({ maxUnavailable }) => maxUnavailable)),
    ...maxRevertingOf(sites),
    stepTimeoutMs: kind === "reboot" ? rebootStepMs : stepTimeoutOf(sites),
    // A host that is to reboot has its turn when it is there, or not at all.
    ...(environment.skipLostMs === undefined || kind === "reboot" ? {} : { skipLostMs: environment.skipLostMs }),
    waves: waves.map((hosts) => hosts.flatMap((host) => changes.get(host) ?? [])),
    ...belowOf(request, sites, environment),
  };
}

/** A reboot brings back what is live and proven there already: what an environment below has proven says nothing about it. */
function gatesOf({ kind }: RolloutRequest, { gates }: Environment): Gates {
  if (kind !== "reboot") return gates;
  const { representativeness: _, coverage: __, ...asked } = gates;
  return asked;
}

/** The most careful site decides for all; one that says nothing goes by its own `maxUnavailable`. */
function maxRevertingOf(sites: readonly Site[]): Pick<Stage, "maxReverting"> {
  if (sites.every(({ maxReverting }) => maxReverting === undefined)) return {};
  return { maxReverting: Math.min(...sites.map((site) => site.maxReverting ?? site.maxUnavailable * 2)) };
}

/** One site that must not go back holds the others. */
function onRegressionIn(sites: readonly Site[], { name }: Environment): OnRegression {
  return sites.some(({ onRegression }) => onRegression[name] === "hold") ? "hold" : "revert";
}

/** Going back asks nobody, and the lowest environment has nothing below it. */
function belowOf(
  { fleet, kind, targets }: RolloutRequest,
  sites: readonly Site[],
  environment: Environment,
): { readonly below?: StageBelow } {
  const lower = fleet.environments.slice(0, fleet.environments.indexOf(environment)).reverse();
  const nearest = lower.find((candidate) => hostsServing(candidate, sites).length > 0);
  if (nearest === undefined || kind === "revert" || kind === "reboot") return {};
  const hosts = nearest.hosts.map((host) => ({
    host,
    units: targets(host).map(({ unit, digest }) => ({ unit, to: digest })),
  }));
  return { below: { environment: nearest.name, hosts } };
}

function changesOf({ kind, targets, proven }: RolloutRequest, host: string): readonly UnitChange[] {
  return targets(host).flatMap(({ unit, digest, renews }) => {
    const from = proven(host, unit);
    if (from === digest && kind !== "restart" && kind !== "reboot" && renews === undefined) return [];
    return [{ unit, to: digest, ...(from === undefined ? {} : { from }), ...(renews === undefined ? {} : { renews }) }];
  });
}
