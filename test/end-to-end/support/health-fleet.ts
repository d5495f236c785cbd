import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Load, startLoad } from "@sluice/cli/load/start-load";
import type { EngineName } from "@sluice/core";
import { latencyBucketOf } from "@sluice/core/health/latency-buckets";
import { type FleetShape, ownBindingPort, titleOf } from "./fleet-text.ts";
import { type PastOptions, seedHistory } from "./seed-history.ts";
import { type Fleet, type FleetHost, type Periods, startFleet } from "./start-fleet.ts";
import { type Behaviour, steer } from "./steering.ts";

/** A site whose users and copies do as a test says. */
export interface SteeredSite {
  readonly site: string;
  readonly engine: EngineName;
  /** Host names, all on the site's own port, and how many users a second each host has under it. */
  readonly usersPerSecond: Readonly<Record<string, number>>;
  /** How it behaves unless it is steered, and how users were answered in the hours before. */
  readonly usual: Behaviour;
  /** Its `health` in the fleet file; {@link HealthFleet.judgeBy} changes it. */
  readonly health: string;
}

export interface HealthFleet extends AsyncDisposable {
  readonly fleet: Fleet;
  /** Release 2 of the site behaves so from now on; `everywhere`: release 1 does too. */
  steer(site: string, behaviour: Behaviour, everywhere?: boolean): void;
  /** Changes the `health` of a site in the fleet file. */
  judgeBy(site: string, health: string): Promise<void>;
  /** Users of a name on these hosts, from now on. */
  startUsers(site: string, name: string, hosts: readonly string[]): Load;
}

export interface HealthFleetOptions {
  readonly hosts?: readonly string[];
  /** How fast its clock goes while release 2 is judged. */
  readonly paceTimes?: number;
  readonly periods?: Periods;
  /** How much of the fleet's time is known from before. */
  readonly historyMs?: number;
}

/** Blocks of ten seconds are over in two thirds of one. More, and the pauses of a busy machine would look like outages. */
const paceTimesUsual = 15;
/** Agents have more to do besides. */
const periodsUsual: Periods = { heartbeatMs: 500, probeEveryMs: 250 };
/** Blocks enough for any test of a binding against its past. */
const historyMsUsual = 4 * 3_600_000;
export const hostNames = ["h1", "h2", "h3"];
const versions = ["1", "2"];
const server = fileURLToPath(new URL("site/steered.mjs", import.meta.url));
const steeringOf = (dir: string, site: string): string => join(dir, "steering", `${site}.json`);

/** Hosts, three unless given, on which release 1 of every site is live and proven, with hours of history, and release 2 of it pushed. */
export async function startHealthFleet(
  sites: readonly SteeredSite[],
  options: HealthFleetOptions = {},
): Promise<HealthFleet> {
  const { hosts = hostNames, paceTimes = paceTimesUsual, periods = periodsUsual, historyMs = historyMsUsual } = options;
  const names = sites.map(({ site }) => site);
  const judged = new Map<string, string>();
  const fleet = await startFleet({
    ...{ sites: names, hosts },
    textOf: (shape) => healthFleetText(shape, sites, judged),
  });
  const health = new RunningHealthFleet(fleet, sites, judged);
  try {
    for (const { site, usual } of sites) health.steer(site, usual, true);
    await Promise.all(names.map((site) => pushReleases(fleet, site)));
    await Promise.all(names.map((site) => fleet.deploy(site, "1")));
    await fleet.quicken(paceTimes, periods, () => {
      const past = pastOf(sites, paceTimes);
      seedHistory({ ...past, dataDir: fleet.dataDir, hosts, until: fleet.clock.now(), spanMs: historyMs });
    });
    for (const { site, health: how } of sites) await health.judgeBy(site, how);
    return health;
  } catch (error) {
    await health[Symbol.asyncDispose]();
    throw error;
  }
}

class RunningHealthFleet implements HealthFleet {
  readonly fleet: Fleet;
  readonly #sites: readonly SteeredSite[];
  /** By site; absent until release 1 is live. */
  readonly #judged: Map<string, string>;
  readonly #loads: Load[] = [];

  constructor(fleet: Fleet, sites: readonly SteeredSite[], judged: Map<string, string>) {
    this.fleet = fleet;
    this.#sites = sites;
    this.#judged = judged;
  }

  steer(site: string, behaviour: Behaviour, everywhere = false): void {
    const usual = this.#sites.find((one) => one.site === site)?.usual ?? {};
    const next = { ...usual, ...behaviour };
    steer(steeringOf(this.fleet.dir, site), { 1: everywhere ? next : usual, 2: next });
  }

  async judgeBy(site: string, health: string): Promise<void> {
    this.#judged.set(site, health);
    const files = [{ name: "fleet.yaml", text: this.fleet.text() }];
    const { problems, rolloutIds } = await this.fleet.client.apply({ files, reason: "how to judge", overrides: [] });
    if (problems.length > 0 || rolloutIds.length > 0) throw new Error(JSON.stringify({ problems, rolloutIds }));
  }

  startUsers(site: string, name: string, hosts: readonly string[]): Load {
    const perSecond = this.#sites.find((one) => one.site === site)?.usersPerSecond[name] ?? 0;
    const targets = this.fleet.hosts.filter((host) => hosts.includes(host.name)).map((to) => targetOf(to, site, name));
    const load = startLoad({ targets, requestsPerSecond: perSecond * targets.length });
    this.#loads.push(load);
    return load;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.stop()));
    await this.fleet[Symbol.asyncDispose]();
  }
}

async function pushReleases(fleet: Fleet, site: string): Promise<void> {
  for (const version of versions) {
    const folder = join(fleet.dir, "releases", `${site}-${version}`);
    await mkdir(folder, { recursive: true });
    await copyFile(server, join(folder, "steered.mjs"));
    const about = { title: titleOf(site), steering: steeringOf(fleet.dir, site), version };
    await writeFile(join(folder, "site.json"), JSON.stringify(about));
    await fleet.pushFolder(site, version, folder);
  }
}

const targetOf = ({ name: host, ownPorts }: FleetHost, site: string, hostName: string) => ({
  ...{ origin: `http://127.0.0.1:${ownPorts[site]}`, hostName, way: "proxy", host, contains: titleOf(site) },
});

function pastOf(sites: readonly SteeredSite[], paceTimes: number): Pick<PastOptions, "ways" | "probes"> {
  const names = sites.map(({ site }) => site);
  const places = sites.flatMap((one) => {
    const bindingPort = ownBindingPort(names, one.site);
    return Object.keys(one.usersPerSecond).map((binding) => ({ one, way: { site: one.site, binding, bindingPort } }));
  });
  const asked = places.filter(({ one, way }) => one.usersPerSecond[way.binding] !== 0);
  const hops = ["slot", "proxy"] as const;
  return {
    ways: asked.map(({ one: { usersPerSecond, usual }, way }) => {
      const often = usual.failEvery?.[way.binding];
      return {
        ...{ ...way, hop: "proxy", bucket: latencyBucketOf((usual.delayMs?.[way.binding] ?? 2) + 2) },
        requestsPerBlock: Math.round(((usersPerSecond[way.binding] ?? 0) * 10) / paceTimes),
        ...(often === undefined ? {} : { failEvery: often }),
      };
    }),
    probes: places.flatMap(({ way }) => hops.map((hop) => ({ ...way, hop, probe: "GET /healthz" }))),
  };
}

/** Release 1 everywhere at once and by probes alone; from then on host by host, judged as a test wants it. */
function healthFleetText(
  { hosts, dir }: FleetShape,
  sites: readonly SteeredSite[],
  judged: ReadonlyMap<string, string>,
): string {
  const names = sites.map(({ site }) => site);
  const waves = judged.size === 0 ? "[100%]" : "[1, 100%]";
  const gates = "{ soak: 10ms, maxWait: 1h }";
  return [
    "fleet: e2e",
    "environments:",
    `  - { name: production, hosts: [${hosts.map(({ name }) => name).join(", ")}], waves: ${waves}, gates: ${gates} }`,
    "hosts:",
    ...hosts.map(({ name, ownPorts }) => {
      const ports = names.map((site) => `${ownBindingPort(names, site)}: ${ownPorts[site]}`);
      return `  ${name}: { address: 127.0.0.1, ports: { ${ports.join(", ")} } }`;
    }),
    "defaults: { drain: 10s }",
    "sites:",
    ...sites.flatMap(({ site, engine, usersPerSecond }) => [
      `  ${site}:`,
      `    engine: ${engine}`,
      `    run: { driver: process, command: [node, steered.mjs, "${dir}"] }`,
      "    ready: { path: /ready, within: 5m }",
      `    maxUnavailable: ${hosts.length}`,
      `    health: ${judged.get(site) ?? "{ warmUp: 0s, minBake: 0s, require: [probes] }"}`,
      "    bindings:",
      "      production:",
      ...Object.keys(usersPerSecond).map(
        (name) => `        - { name: ${name}, kind: internal, port: ${ownBindingPort(names, site)} }`,
      ),
      `    probes: [{ path: /healthz, expect: 200, contains: "${titleOf(site)}", timeout: 5s }]`,
    ]),
    "",
  ].join("\n");
}
