import {
  type CertificateObservation,
  durationMs,
  type Grant,
  type GrantProgress,
  instant,
  minutes,
  type UnitKey,
} from "@sluice/core";
import { openLog } from "@sluice/runtime/logs/open-log";
import { expect, test } from "vitest";
import { type CoordinatorRig, fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";
import type { AgentScript } from "./testing/scripted-agent.ts";

const seen = (digest: string) => ({ digest, validUntil: instant(Date.now() + minutes(90 * 24 * 60)) });

const files = "cert: /etc/c.crt, key: /etc/c.key";

/** A host whose proxies are started with what lies in the files of their certificates, site by site, when a grant says so. */
class PairedHost {
  readonly disk: Record<string, string> = {};
  readonly #running: Record<string, string> = {};
  readonly #live = new Map<string, GrantProgress>();
  /** What becomes of restarts; absent: they go well. */
  isStuck = false;

  constructor(sites: readonly string[], digest: string) {
    for (const site of sites) {
      this.disk[site] = digest;
      this.#running[site] = digest;
    }
  }

  readonly script: AgentScript = {
    certificates: (unit: UnitKey): readonly CertificateObservation[] => {
      const site = unit.startsWith("proxy:") ? unit.slice("proxy:".length) : "";
      const [running, onDisk] = [this.#running[site], this.disk[site]];
      if (running === undefined || onDisk === undefined) return [];
      const renewed = running === onDisk ? {} : { onDisk: seen(onDisk), since: instant(0) };
      return [{ name: site, running: seen(running), ...renewed }];
    },
    onGrant: ({ id, kind, units }: Grant): GrantProgress => {
      const known = this.#live.get(id);
      if (known !== undefined) return known;
      if (this.isStuck) return { kind: "preparing", doing: "starting the successor" };
      for (const { unit } of kind === "restart" ? units : []) this.#start(unit.slice("proxy:".length));
      const live = { kind: "provisional", switchedAt: instant(Date.now()), switchMs: 1 } as const;
      this.#live.set(id, live);
      return live;
    },
  };

  #start(site: string): void {
    const onDisk = this.disk[site];
    if (onDisk !== undefined) this.#running[site] = onDisk;
  }
}

const rolloutsOf = async ({ operator }: CoordinatorRig, certificate: string) => {
  const { rollouts } = await operator.ask((client) => client.listRollouts, { activeOnly: false, limit: 100 });
  return rollouts.filter(({ title }) => title.includes(`certificate ${certificate} `));
};
const phases = async (rig: CoordinatorRig, certificate: string) =>
  (await rolloutsOf(rig, certificate)).map(({ phase }) => phase);

interface PairedOptions {
  readonly sites?: readonly string[];
  readonly certificates?: string;
  /** Words of the log about renewals that wait. */
  readonly waits?: string[];
  readonly digestOn?: (host: string) => string;
  readonly text?: (sites: readonly string[]) => string;
}

/** Hosts on which the first release of every site is live, and the certificates of the fleet file. */
async function paired(hosts: readonly string[], options: PairedOptions) {
  const { sites = ["shop"], certificates = `shop: { ${files} }`, waits = [], digestOn = () => "old" } = options;
  const destination = { write: (line: string) => void (line.includes("renewal.waits") && waits.push(line)) };
  const log = openLog({ name: "coordinator", destination });
  const rig = await startRig({ dueLookMs: durationMs(30), log });
  const { text = productionOnly } = options;
  await rig.operator.apply(`${text(sites)}certificates: { ${certificates} }\n`);
  const pairs = hosts.map((host) => new PairedHost(sites, digestOn(host)));
  const agents = hosts.map((host, at) => rig.agent(host, pairs[at]?.script ?? {}));
  const deploy = async (site: string) => rig.operator.untilPhase(await rig.operator.deploy(site, "1.0.0"), "completed");
  await Promise.all(sites.map(deploy));
  const renew = (site: string, digest: (host: string) => string) => {
    for (const [at, pair] of pairs.entries()) pair.disk[site] = digest(hosts[at] ?? "");
    for (const [at, agent] of agents.entries()) agent.follow(pairs[at]?.script ?? {});
  };
  return { rig, pairs, renew };
}

/** The fleet of the other tests without its first environment. */
const productionOnly = (sites: readonly string[]): string =>
  fleetText({ sites, waves: "100%" })
    .split("\n")
    .filter((line) => !line.includes("acceptance") && !line.includes(".at."))
    .join("\n");

const web = ["web-1", "web-2"] as const;
const renewed = () => "renewed";
const again = () => "renewed again";

test("a renewed pair on all hosts goes live by itself, once; one that is only reported does not", async () => {
  const certificates = `shop: { ${files} }, blog: { ${files}, renewal: report }`;
  const { rig: opened, renew } = await paired(web, { sites: ["shop", "blog"], certificates });
  await using rig = opened;
  renew("blog", renewed);
  renew("shop", renewed);
  await eventually(() => phases(rig, "shop")).toEqual(["completed"]);
  const [rollout] = await rolloutsOf(rig, "shop");
  expect(rollout).toMatchObject({ kind: "restart", by: "coordinator" });
  // The next pair is found by looks that found the last one as well.
  renew("shop", again);
  await eventually(() => phases(rig, "shop")).toEqual(["completed", "completed"]);
  expect(await rolloutsOf(rig, "blog")).toEqual([]);
});

test("a renewed pair waits for what is in its way: a halt of everything, and another rollout of the same proxies", async () => {
  const waits: string[] = [];
  const { rig: opened, renew, pairs } = await paired(web, { waits });
  await using rig = opened;
  const { operator } = rig;
  await operator.ask((client) => client.haltAll, { reason: "smoke in the hall" });
  renew("shop", renewed);
  await eventually(() => waits.length).toBeGreaterThan(0);
  expect(await rolloutsOf(rig, "shop")).toEqual([]);
  for (const pair of pairs) pair.isStuck = true;
  await operator.ask((client) => client.clearHalt, {});
  await eventually(async () => (await phases(rig, "shop")).length).toBe(1);
  const before = waits.length;
  renew("shop", again);
  await eventually(() => waits.length).toBeGreaterThan(before);
  expect((await phases(rig, "shop")).length).toBe(1);
  for (const pair of pairs) pair.isStuck = false;
  renew("shop", again);
  await eventually(() => phases(rig, "shop")).toEqual(["completed"]);
});

test("hosts that have pairs of their own each get them live by one rollout, and no environment waits for ever for another", async () => {
  const digestOn = (host: string) => `${host} old`;
  const text = (sites: readonly string[]) => fleetText({ sites, waves: "100%" });
  const { rig: opened, renew } = await paired(["at-1", ...web], { digestOn, text });
  await using rig = opened;
  renew("shop", (host) => `${host} renewed`);
  await eventually(() => phases(rig, "shop")).toEqual(["completed", "completed"]);
  const touched = (await rolloutsOf(rig, "shop")).flatMap(({ stages }) =>
    stages.flatMap(({ waves }) => waves.flatMap(({ steps }) => steps.map(({ host }) => host))),
  );
  expect(touched.toSorted()).toEqual(["at-1", ...web]);
});
