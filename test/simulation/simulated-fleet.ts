import {
  createRollout,
  durationMs,
  type Fleet,
  type Instant,
  type Rollout,
  type Site,
  seconds,
  type UnitKey,
  type UnitRelease,
} from "@sluice/core";
import type { HistoryOptions } from "./history-options.ts";
import type { Place } from "./sim-coordinator.ts";

/** The sites of every simulated fleet: two, so that rollouts run side by side. */
export const siteNames = ["shop", "blog"] as const;

/** The pair that is live together: release and proxy settings of one number. */
export const pair = (site: string, number: number): readonly { readonly unit: UnitKey; readonly digest: string }[] => [
  { unit: `site:${site}`, digest: `${site}-${number}` },
  { unit: `proxy:${site}`, digest: `${site}-proxy-${number}` },
];

export function placesOf(options: HistoryOptions): readonly Place[] {
  const named = (environment: string, short: string, count: number): readonly Place[] =>
    Array.from({ length: count }, (_, index) => ({ name: `${short}-${index + 1}`, environment }));
  return [...named("acceptance", "at", options.acceptance), ...named("production", "web", options.production)];
}

export function fleetOf(options: HistoryOptions, places: readonly Place[]): Fleet {
  const gates = { soakMs: seconds(20), approval: options.approval ? ["approver"] : [], maxWaitMs: seconds(90) };
  const environments = ["acceptance", "production"].map((name) => ({
    name,
    hosts: places.filter(({ environment }) => environment === name).map((place) => place.name),
    waves: [
      { kind: "hosts", count: 1 },
      { kind: "percent", percent: 100 },
    ] as const,
    gates: name === "acceptance" ? { ...gates, approval: [] } : gates,
    unconfirmed: "revert" as const,
  }));
  return {
    name: "simulated",
    environments,
    hosts: [],
    sites: siteNames.map((name) => siteOf(name, options)),
    sharedPorts: [],
    certificates: [],
  };
}

function siteOf(name: string, options: HistoryOptions): Site {
  const binding = { name: `${name}.internal`, kind: "internal", port: 80 } as const;
  return {
    name,
    engine: "node",
    run: { driver: "process", command: [], env: {} },
    ready: { path: "/", withinMs: seconds(10) },
    forward: { host: "preserve" },
    drainMs: seconds(5),
    keepPreviousMs: seconds(60),
    holdMs: seconds(5),
    maxUnavailable: options.maxUnavailable,
    onRegression: options.onRegression,
    bindings: { acceptance: [binding], production: [binding] },
    probes: [],
  };
}

export interface Deployment {
  readonly id: string;
  readonly site: string;
  readonly now: Instant;
  /** Number of the pair to go live; absent: restart what is proven. */
  readonly number?: number;
}

/** The rollout of a pair over the whole fleet, or the restart of what is proven. */
export function rolloutOf(
  fleet: Fleet,
  proven: Readonly<Record<string, Readonly<Record<string, string>>>>,
  deployment: Deployment,
): Rollout {
  const { id, site, now, number } = deployment;
  const provenOn = (host: string, unit: string): string | undefined => proven[host]?.[unit];
  const rollout = createRollout({
    id,
    kind: number === undefined ? "restart" : "release",
    title: number === undefined ? `restart of ${site}` : `${site} ${number}`,
    sites: [site],
    by: "operator",
    createdAt: now,
    fleet,
    proven: provenOn,
    targets: (host) =>
      pair(site, number ?? 0).flatMap(({ unit, digest }) => {
        const to = number === undefined ? provenOn(host, unit) : digest;
        return to === undefined ? [] : [{ unit, digest: to }];
      }),
  });
  return { ...rollout, stages: rollout.stages.map((stage) => ({ ...stage, stepTimeoutMs: durationMs(60_000) })) };
}

const releases = new Map<string, UnitRelease>();

/** The release of a digest: in a simulated world everything else about it follows from its name. */
export function simulatedRelease(digest: string): UnitRelease {
  const found = releases.get(digest);
  if (found !== undefined) return found;
  const [site = ""] = digest.split("-");
  const release: UnitRelease = {
    unit: digest.includes("-proxy-") ? `proxy:${site}` : `site:${site}`,
    version: digest,
    digest,
    content: { site, run: { driver: "process", command: [], env: {} }, ready: { path: "/", withinMs: seconds(1) } },
  };
  releases.set(digest, release);
  return release;
}
