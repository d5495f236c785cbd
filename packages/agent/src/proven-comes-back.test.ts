import type { EngineName, FrontSettings, SiteProxySettings, UnitKey, UnitRelease } from "@sluice/core";
import { defaultProxyLimits } from "@sluice/core/proxying/proxy-settings";
import { installedHaproxy } from "@sluice/proxy/haproxy/testing/installed-haproxy";
import { expect, onTestFinished, test } from "vitest";
import { keeperSocketOf } from "./keeper/ensure-keeper-running.ts";
import { openKeeper } from "./keeper/keeper-client.ts";
import {
  ask,
  endHost,
  endProcesses,
  hostWithFirstRelease,
  openWorld,
  sealed,
  until,
  untilProgress,
  type World,
} from "./testing/agent-world.ts";
import { pushedKeeper } from "./testing/pushed-keeper.ts";

/** Engines whose proxies can be run here. */
const engines: readonly EngineName[] = (await installedHaproxy()) === undefined ? ["node"] : ["node", "haproxy"];

/** Everything that ends without being asked to, and which units have other processes after it. */
interface Ending {
  readonly what: string;
  readonly renews: readonly UnitKey[];
  readonly happen: (host: Host) => Promise<void>;
}

interface Host {
  readonly world: World;
  agent: AsyncDisposable;
}

const units: readonly UnitKey[] = ["front", "proxy:shop", "site:shop"];
const unitsAndKeeper: readonly UnitKey[] = [...units, "keeper"];

const endings: readonly Ending[] = [
  { what: "the process of a site release is killed", renews: ["site:shop"], happen: kill("slot-shop-") },
  { what: "a site proxy is killed", renews: ["proxy:shop"], happen: kill("proxy-shop-") },
  { what: "a front is killed", renews: ["front"], happen: kill("front-") },
  {
    what: "a keeper is killed and its children live on",
    renews: ["keeper"],
    async happen({ world }) {
      const before = await keeperOf(world).status();
      await endProcesses(world.dataDir, () => false);
      expect((await keeperOf(world).status()).pid).not.toBe(before.pid);
    },
  },
  { what: "a keeper is killed with everything", renews: unitsAndKeeper, happen: ({ world }) => endHost(world.dataDir) },
  {
    what: "an agent ends and another one starts",
    renews: [],
    async happen(host) {
      await host.agent[Symbol.asyncDispose]();
      host.world.coordinator.observation = undefined;
      host.agent = await host.world.start();
    },
  },
  {
    what: "a host starts cold",
    renews: unitsAndKeeper,
    async happen(host) {
      await host.agent[Symbol.asyncDispose]();
      await endHost(host.world.dataDir);
      host.agent = await host.world.start();
    },
  },
];

/** Asked until one answers. */
const keeperOf = ({ dataDir }: World) => openKeeper(keeperSocketOf(dataDir));

/** Kills the one child whose id begins so, and leaves its keeper to notice. */
function kill(prefix: string) {
  return async ({ world }: Host): Promise<void> => {
    const { children } = await keeperOf(world).status();
    const pids = children.flatMap(({ id, pid }) => (id.startsWith(prefix) && pid !== null ? [pid] : []));
    expect(pids).toHaveLength(1);
    for (const pid of pids) process.kill(pid, "SIGKILL");
  };
}

/** Newer settings, of the proxy and of the front. */
function newer({ proxy, front }: World): readonly UnitRelease[] {
  const limits = { ...defaultProxyLimits, headerBytesMax: 8_192 };
  return [
    sealed("proxy:shop", "settings 2", { ...(proxy.content as SiteProxySettings), limits }),
    sealed("front", "settings 2", { ...(front.content as FrontSettings), limits }),
  ];
}

/** What a host says of one unit. */
const runs = ({ coordinator }: World, unit: UnitKey) => coordinator.observation?.units.find((one) => one.unit === unit);

/** What runs, by unit; undefined while any of them does not. */
function running({ coordinator }: World): Readonly<Record<string, { readonly digest: string; readonly pid: number }>> {
  const seen = coordinator.observation?.units ?? [];
  return Object.fromEntries(
    seen.flatMap(({ unit, running: one }) =>
      one === undefined ? [] : [[unit, { digest: one.digest, pid: one.pid }] as const],
    ),
  );
}

/** Asks both ways without a pause until the test ends; what was served, and by what. */
function servedAllTheTime(world: World): Set<string> {
  const served = new Set<string>();
  const stop = new AbortController();
  const ways = [() => ask(world.port, "shop.internal"), () => ask(world.frontPort, "shop.example.com:8080")];
  const users = ways.map(async (way) => {
    while (!stop.signal.aborted) {
      const answer = await way().catch(() => "");
      if (answer.startsWith("200")) served.add(answer);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  onTestFinished(async () => {
    stop.abort();
    await Promise.all(users);
  });
  return served;
}

/** Every unit of a host ends in every way there is; a busy machine takes its time. */
const longMs = 180_000;

test.each(engines)(
  "whatever is killed, restarted or started cold comes back as it was proven, with newer versions of every unit installed and wanted, on %s",
  async (engine) => {
    const world = await openWorld(engine);
    const { one, agent } = await hostWithFirstRelease(world);
    const site = [one, world.proxy, world.front];
    const keeper = await pushedKeeper(world, "1.0.0");
    world.order(site, [keeper]);
    await untilProgress(world, "r2", "provisional");
    const proven = [...site, keeper];
    world.order(proven, []);
    await until("the keeper is proven", () => runs(world, "keeper")?.proven === keeper.digest);
    const newerSite = [await world.release("2.0.0"), ...newer(world)];
    const wanted = [...newerSite, await pushedKeeper(world, "2.0.0")];
    world.order(proven, newerSite);
    await untilProgress(world, "r3", "provisional");
    // Taken back, and wanted all the same: on disk, ready to run, and nobody has granted it.
    world.order(proven, [], {}, wanted);
    const digests = Object.fromEntries(proven.map(({ unit, digest }) => [unit, digest]));
    const digestsRunning = () =>
      Object.fromEntries(Object.entries(running(world)).map(([unit, { digest }]) => [unit, digest]));
    const isAsProven = () => unitsAndKeeper.every((unit) => digestsRunning()[unit] === digests[unit]);
    await until("the trial is over", isAsProven);
    await until(
      "the trial is forgotten",
      () => world.coordinator.observation?.grants.every(({ progress }) => progress.kind === "withdrawn") ?? false,
    );
    await until("nothing of it runs any more", async () => {
      const { children } = await keeperOf(world).status();
      return children.filter(({ pid }) => pid !== null).length === units.length;
    });
    await until("all that is proven or wanted is installed", () => {
      const installed = world.coordinator.observation?.units.flatMap((unit) => unit.installed) ?? [];
      return [...proven, ...wanted].every(({ digest }) => installed.includes(digest));
    });

    const host: Host = { world, agent };
    const served = servedAllTheTime(world);
    for (const { what, renews, happen } of endings) {
      const before = running(world);
      await happen(host);
      const isRenewed = (unit: UnitKey) => running(world)[unit]?.pid !== before[unit]?.pid;
      await until(`what is proven is back after ${what}`, () => isAsProven() && renews.every(isRenewed));
      const others = unitsAndKeeper.filter((unit) => !renews.includes(unit) && isRenewed(unit));
      expect(others, what).toEqual([]);
      served.clear();
      await until(`users are served after ${what}`, () => served.size > 0);
      expect([...served], what).toEqual(["200 1.0.0"]);
    }
    expect(world.coordinator.observation?.units.map(({ desired }) => desired).sort()).toEqual(
      wanted.map(({ digest }) => digest).sort(),
    );
  },
  longMs,
);
