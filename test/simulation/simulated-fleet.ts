import {
  agentUnit,
  createRollout,
  defaultHealthSettings,
  defaultProxyLimits,
  durationMs,
  type Fleet,
  type FrontSettings,
  type HealthSettings,
  type Hop,
  type Instant,
  isProgramUnit,
  type ProbedBinding,
  type ProgramUnit,
  parseUnit,
  proxyUnit,
  questionsOn,
  type Rollout,
  type Site,
  type SiteDuties,
  type SiteProxySettings,
  seconds,
  siteUnit,
  type UnitKey,
  type UnitRelease,
} from "@sluice/core";
import { keeperUnit } from "@sluice/core/intent/intent";
import type { HistoryOptions } from "./history-options.ts";
import { simulatedGates } from "./sim-gates.ts";
import type { Place } from "./store.ts";

/** As many sites as the largest fleet has. */
const allSiteNames: readonly string[] = [
  "shop",
  "blog",
  ...Array.from({ length: 38 }, (_, index) => `site${index + 3}`),
];

/** The sites of the fleet of a history; with two of them or more rollouts run side by side. */
export const sitesOf = ({ sites }: Pick<HistoryOptions, "sites">): readonly string[] => allSiteNames.slice(0, sites);

/** How long users who stay may stay, at most. */
export const drainMs = seconds(5);

/** Probes speak for every way; eight good rounds of them take longer than this. */
const health: HealthSettings = { ...defaultHealthSettings, warmUpMs: seconds(0), minBakeMs: seconds(10) };

/** What can be deployed at once: a release with its proxy's settings, either alone, the front, or everything of a site. */
export type Extent = "pair" | "site" | "proxy" | "front" | "all" | ProgramUnit;

/** The units of a deployment and the digests that one number gives them. */
export function unitsOf(
  site: string,
  number: number,
  extent: Extent,
): readonly { readonly unit: UnitKey; readonly digest: string }[] {
  const release = { unit: `site:${site}`, digest: `${site}-${number}` } as const;
  const proxy = { unit: `proxy:${site}`, digest: `${site}-proxy-${number}` } as const;
  const front = { unit: "front", digest: `front-${number}` } as const;
  const extents = {
    pair: [release, proxy],
    site: [release],
    proxy: [proxy],
    front: [front],
    all: [release, proxy, front],
    agent: [{ unit: agentUnit, digest: `agent-${number}` }],
    keeper: [{ unit: keeperUnit, digest: `keeper-${number}` }],
  } satisfies Record<Extent, unknown>;
  return extents[extent];
}

/** Everything that runs on a host in the beginning. */
export const firstUnitsOf = (
  options: Pick<HistoryOptions, "sites" | "programs" | "keepers">,
): ReturnType<typeof unitsOf> => [
  ...sitesOf(options).flatMap((site) => unitsOf(site, 0, "pair")),
  ...unitsOf("", 0, "front"),
  ...(options.programs === undefined ? [] : unitsOf("", 0, "agent")),
  ...(options.keepers === undefined ? [] : unitsOf("", 0, "keeper")),
];

/** The digest of the program that was installed by hand. */
export const firstProgram = (unit: ProgramUnit): string => `${unit}-0`;

const internal = (site: string): ProbedBinding => ({
  name: `${site}.internal`,
  kind: "internal",
  bindingPort: 8080,
  address: "127.0.0.1",
  port: 8080,
  tls: false,
  shared: false,
});

const shared = (site: string): ProbedBinding => ({
  ...internal(site),
  name: `www.${site}.example`,
  bindingPort: 80,
  shared: true,
});

/** Every other site has an internal name on a port of its own and a public one with an edge, the others a shared one. */
const bindingsFor = (site: string, index: number): readonly ProbedBinding[] =>
  index % 2 === 0
    ? [internal(site), { ...shared(site), kind: "public", edge: `https://www.${site}.example` }]
    : [shared(site)];

const bindings = new Map(allSiteNames.map((site, index) => [site, bindingsFor(site, index)]));

export const bindingsOf = (site: string): readonly ProbedBinding[] => bindings.get(site) ?? [];

const duties = new Map(allSiteNames.map((site) => [site, dutiesFor(site)]));

function dutiesFor(site: string): SiteDuties {
  return {
    site,
    forward: { host: "preserve" },
    drainMs,
    keepPreviousMs: seconds(60),
    probeEveryMs: seconds(5),
    probeToken: "",
    probes: [{ method: "GET", path: "/", headers: {}, expect: [200], timeoutMs: seconds(5) }],
    bindings: bindingsOf(site),
  };
}

export const dutiesOf = (site: string): SiteDuties => duties.get(site) ?? dutiesFor(site);

const ways = new Map(
  allSiteNames.map((site) => [
    site,
    [...questionsOn(dutiesOf(site), "listener"), ...questionsOn(dutiesOf(site), "edge")],
  ]),
);

/** Binding and hop of every way that users of the site come. */
export const waysOf = (site: string): readonly { readonly binding: string; readonly hop: Hop }[] =>
  ways.get(site) ?? [];

export function placesOf(options: HistoryOptions): readonly Place[] {
  const named = (environment: string, short: string, count: number): readonly Place[] =>
    Array.from({ length: count }, (_, index) => ({ name: `${short}-${index + 1}`, environment }));
  return [...named("acceptance", "at", options.acceptance), ...named("production", "web", options.production)];
}

export function fleetOf(options: HistoryOptions, places: readonly Place[]): Fleet {
  const environments = ["acceptance", "production"].map((name) => ({
    name,
    hosts: places.filter(({ environment }) => environment === name).map((place) => place.name),
    waves: [
      { kind: "hosts", count: 1 },
      { kind: "percent", percent: 100 },
    ] as const,
    gates: simulatedGates(options, name),
    ...(options.skipLostMs === undefined ? {} : { skipLostMs: durationMs(options.skipLostMs) }),
    unconfirmed: "revert" as const,
  }));
  return {
    name: "simulated",
    environments,
    hosts: [],
    sites: sitesOf(options).map((name) => siteOf(name, options)),
    sharedPorts: [],
    certificates: [],
  };
}

function siteOf(name: string, options: HistoryOptions): Site {
  const binding = { name: `${name}.internal`, kind: "internal", port: 80 } as const;
  return {
    name,
    engine: "node",
    run: { driver: "process", command: ["serve"], env: {} },
    ready: { path: "/", withinMs: seconds(10) },
    forward: { host: "preserve" },
    drainMs,
    keepPreviousMs: seconds(60),
    holdMs: seconds(5),
    maxUnavailable: options.maxUnavailable,
    onRegression: { acceptance: options.onRegression, production: options.onRegression },
    health: { acceptance: health, production: health },
    bindings: { acceptance: [binding], production: [binding] },
    probes: [],
  };
}

export interface Deployment {
  readonly id: string;
  readonly site: string;
  readonly now: Instant;
  readonly extent: Extent;
  /** Number of the releases to go live; absent: restart what is proven. */
  readonly number?: number;
  /** Only these hosts; all when absent. */
  readonly hosts?: readonly string[];
}

/** The rollout of a deployment over the whole fleet, or the restart of what is proven. */
export function rolloutOf(
  fleet: Fleet,
  proven: Readonly<Record<string, Readonly<Record<string, string>>>>,
  deployment: Deployment,
): Rollout {
  const { id, site, now, number, extent, hosts } = deployment;
  const provenOn = (host: string, unit: string): string | undefined => proven[host]?.[unit];
  const sites = unitsOf(site, 0, extent).some(({ unit }) => unit === "front" || isProgramUnit(unit))
    ? fleet.sites.map(({ name }) => name)
    : [site];
  const rollout = createRollout({
    id,
    kind: number === undefined ? "restart" : "release",
    title: number === undefined ? `restart of ${site} (${extent})` : `${site} ${number} (${extent})`,
    sites,
    by: "operator",
    createdAt: now,
    fleet,
    ...(hosts === undefined ? {} : { hosts }),
    proven: provenOn,
    targets: (host) =>
      unitsOf(site, number ?? 0, extent).flatMap(({ unit, digest }) => {
        const to = number === undefined ? provenOn(host, unit) : digest;
        return to === undefined ? [] : [{ unit, digest: to }];
      }),
  });
  return inTime(rollout);
}

/** A rollout that reboots these hosts, whatever is proven there. */
export function rebootOf(
  fleet: Fleet,
  proven: Readonly<Record<string, Readonly<Record<string, string>>>>,
  {
    id,
    now,
    hosts,
    title,
  }: { readonly id: string; readonly now: Instant; readonly hosts: readonly string[]; readonly title: string },
): Rollout {
  return createRollout({
    ...{ id, kind: "reboot", title, by: "operator", createdAt: now, fleet, hosts },
    sites: fleet.sites.map(({ name }) => name),
    proven: (host, unit) => proven[host]?.[unit],
    targets: (host) => Object.entries(proven[host] ?? {}).map(([unit, digest]) => ({ unit: unit as UnitKey, digest })),
  });
}

/** The one certificate of a simulated fleet. */
export const certificateName = "wildcard";

/** A rollout that starts everything again which presents a certificate in an environment, as it is proven there. */
export function renewalOf(
  fleet: Fleet,
  proven: Readonly<Record<string, Readonly<Record<string, string>>>>,
  given: { readonly id: string; readonly now: Instant; readonly environment: string; readonly title: string },
): Rollout {
  const { id, now, title, environment } = given;
  const hosts = fleet.environments.find(({ name }) => name === environment)?.hosts ?? [];
  const rollout = createRollout({
    ...{ id, kind: "restart", title, by: "operator", createdAt: now, fleet, environments: [environment] },
    sites: fleet.sites.map(({ name }) => name),
    proven: (host, unit) => proven[host]?.[unit],
    // Other environments have pairs of their own, and need not speak for this one.
    targets: (host) =>
      Object.entries(hosts.includes(host) ? (proven[host] ?? {}) : {}).flatMap(([unit, digest]) =>
        isPresenter(unit as UnitKey) ? [{ unit: unit as UnitKey, digest, renews: [certificateName] }] : [],
      ),
  });
  return inTime(rollout);
}

/** Steps of simulated rollouts are short: what does not come forwards shows soon. */
const inTime = (rollout: Rollout): Rollout => ({
  ...rollout,
  stages: rollout.stages.map((stage) => ({ ...stage, stepTimeoutMs: durationMs(90_000) })),
});

/** Fronts end the TLS of shared names, and site proxies that of names on ports of their own. */
export function isPresenter(unit: UnitKey): boolean {
  const parsed = parseUnit(unit);
  return parsed.kind === "front" || (parsed.kind === "proxy" && bindingsOf(parsed.site).some(({ shared }) => !shared));
}

const settingsOf = (site: string): SiteProxySettings => ({
  site,
  engine: "node",
  listeners: [],
  behindFront: true,
  bindings: bindingsOf(site).map(({ name, kind, bindingPort }) => ({ name, kind, bindingPort })),
  forward: { host: "preserve", internalName: `${site}.internal` },
  limits: defaultProxyLimits,
});

/** Nothing that decides reads the routes of a front; those of small fleets are enough for what is written and read back. */
const frontSettings: FrontSettings = {
  engine: "node",
  listeners: [],
  routes: allSiteNames
    .slice(0, 2)
    .flatMap((site) => settingsOf(site).bindings.map((binding) => ({ ...binding, site }))),
  limits: defaultProxyLimits,
};

/** The program that was installed by hand has no files of its own. */
function programOf(unit: ProgramUnit, version: string): UnitRelease["content"] {
  const files = version === firstProgram(unit) ? {} : { files: { artifact: version, entry: "start.mjs" } };
  return { kind: `${unit}-program`, version, ...files };
}

function contentOf(unit: UnitKey, digest: string): UnitRelease["content"] {
  if (isProgramUnit(unit)) return programOf(unit, digest);
  const parsed = parseUnit(unit);
  if (!("site" in parsed)) return frontSettings;
  if (parsed.kind === "proxy") return settingsOf(parsed.site);
  return {
    site: parsed.site,
    run: { driver: "process", command: ["serve"], env: {} },
    ready: { path: "/", withinMs: seconds(10) },
  };
}

const releases = new Map<string, UnitRelease>();

/** The release of a digest: in a simulated world everything else about it follows from its name. */
export function simulatedRelease(digest: string): UnitRelease {
  const found = releases.get(digest);
  if (found !== undefined) return found;
  const [site = ""] = digest.split("-");
  const unit = isProgramUnit(site as UnitKey) ? (site as UnitKey) : unitOfDigest(site, digest);
  const release: UnitRelease = { unit, version: digest, digest, content: contentOf(unit, digest) };
  releases.set(digest, release);
  return release;
}

function unitOfDigest(site: string, digest: string): UnitKey {
  return site === "front" ? site : digest.includes("-proxy-") ? proxyUnit(site) : siteUnit(site);
}
