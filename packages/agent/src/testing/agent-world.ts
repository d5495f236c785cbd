import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type Agent, get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  canonicalJson,
  defaultProxyLimits,
  type EngineName,
  type Grant,
  type GrantProgress,
  type Intent,
  minutes,
  type SiteDuties,
  seconds,
  type UnitRelease,
} from "@sluice/core";
import { createIds, nodeClock, sha256Text } from "@sluice/runtime";
import { packFolder } from "@sluice/runtime/artifacts/pack-folder";
import { openLog } from "@sluice/runtime/logs/open-log";
import { onTestFinished } from "vitest";
import { keeperSocketOf } from "../keeper/ensure-keeper-running.ts";
import { openKeeper } from "../keeper/keeper-client.ts";
import { stampOf } from "../keeper/process-stamp.ts";
import { type FakeCoordinator, startFakeCoordinator } from "../session/testing/fake-coordinator.ts";
import { type AgentSeams, startAgent } from "../start-agent.ts";
import { grantOf, unitIntents } from "./build-intent.ts";

export const host = "web-1";

const serverSource = `
import { createServer } from "node:http";
createServer((request, response) => {
  const { host } = request.headers;
  if (VERSION === "bad" && !host.startsWith("shop.internal")) return response.writeHead(400).end("Invalid Hostname");
  setTimeout(() => response.end(VERSION), 5);
}).listen(Number(process.env.PORT), process.env.HOST);
`;

export async function until(what: string, isSo: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms until ${what}`);
    await delay(20);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export const sealed = (unit: UnitRelease["unit"], version: string, content: UnitRelease["content"]): UnitRelease => ({
  unit,
  version,
  content,
  digest: sha256Text(canonicalJson(content)),
});

export interface World {
  readonly dataDir: string;
  readonly coordinator: FakeCoordinator;
  readonly port: number;
  readonly frontPort: number;
  readonly duties: SiteDuties;
  readonly proxy: UnitRelease;
  readonly front: UnitRelease;
  release(version: string): Promise<UnitRelease>;
  /** The next intent: always a higher generation. `wanted` is held and desired, and nobody may activate it. */
  order(
    proven: readonly UnitRelease[],
    granted: readonly UnitRelease[],
    over?: Partial<Grant>,
    wanted?: readonly UnitRelease[],
  ): Intent;
  start(seams?: AgentSeams): Promise<AsyncDisposable>;
}

export async function openWorld(engine: EngineName = "node"): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "slu-"));
  const dataDir = join(folder, "d");
  await mkdir(dataDir, { mode: 0o700 });
  const coordinator = await startFakeCoordinator();
  onTestFinished(async () => {
    await coordinator[Symbol.asyncDispose]();
    await endHost(dataDir);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const [port, frontPort] = [await freePort(), await freePort()];
  const duties: SiteDuties = {
    site: "shop",
    forward: { host: "preserve" },
    drainMs: seconds(2),
    keepPreviousMs: minutes(30),
    probeEveryMs: seconds(1),
    probeToken: "secret",
    probes: [{ path: "/", method: "GET", headers: {}, expect: [200], timeoutMs: seconds(5) }],
    bindings: [
      {
        name: "shop.internal",
        kind: "internal",
        bindingPort: 80,
        address: "127.0.0.1",
        port,
        tls: false,
        shared: false,
      },
      {
        name: "shop.example.com",
        kind: "public",
        bindingPort: 8080,
        address: "127.0.0.1",
        port: frontPort,
        tls: false,
        shared: true,
      },
    ],
  };
  const internal = { name: "shop.internal", kind: "internal", bindingPort: 80 } as const;
  const open = { name: "shop.example.com", kind: "public", bindingPort: 8080 } as const;
  const proxy = sealed("proxy:shop", "settings 1", {
    site: "shop",
    engine,
    listeners: [{ bindingPort: 80, address: "127.0.0.1", port, tls: false }],
    behindFront: true,
    bindings: [internal, open],
    forward: { host: "preserve", internalName: "shop.internal" },
    limits: defaultProxyLimits,
  });
  const front = sealed("front", "settings 1", {
    engine,
    listeners: [{ bindingPort: 8080, address: "127.0.0.1", port: frontPort, tls: false }],
    routes: [{ ...open, site: "shop" }],
    limits: defaultProxyLimits,
  });
  let generation = 0;
  let grants = 0;
  return {
    dataDir,
    coordinator,
    port,
    frontPort,
    duties,
    proxy,
    front,
    async release(version) {
      const source = join(folder, `site-${version}`);
      await mkdir(source);
      await writeFile(join(source, "server.mjs"), `const VERSION = ${JSON.stringify(version)};${serverSource}`);
      const file = join(folder, `${version}.tgz`);
      const { digest: artifact } = await packFolder(source, file);
      coordinator.artifacts.set(artifact, file);
      return sealed("site:shop", version, {
        site: "shop",
        artifact,
        run: { driver: "process", command: ["node", "server.mjs"], env: {} },
        ready: { path: "/", withinMs: seconds(20) },
      });
    },
    order(proven, granted, over = {}, wanted = []) {
      generation += 1;
      if (granted.length > 0 && over.id === undefined) grants += 1;
      const units = unitIntents(proven, granted, wanted);
      const grant: Grant = { ...grantOf(`r${grants}`, granted, nodeClock.now()), ...over };
      const body = {
        environment: "production",
        unconfirmed: "revert",
        sites: [duties],
        units,
        grants: granted.length === 0 ? [] : [grant],
      } as const;
      return coordinator.order({ host, generation, fence: 1, body });
    },
    async start(seams) {
      const log = openLog({ name: "agent", destination: join(dataDir, "agent.log") });
      const grounds = { clock: nodeClock, ids: createIds(nodeClock), log };
      const running = await startAgent({ host, dataDir, coordinator: coordinator.address, ...grounds }, seams);
      onTestFinished(() => running[Symbol.asyncDispose]());
      return running;
    },
  };
}

/** Ends everything of a host, as a power cut would: the keeper first, so that it starts nothing again. */
export async function endHost(dataDir: string): Promise<void> {
  await endProcesses(dataDir, () => true);
}

/** Kills the keeper of a host and those of its children that `isHit`; resolves when they are gone. */
export async function endProcesses(dataDir: string, isHit: (childId: string) => boolean): Promise<void> {
  const keeper = openKeeper(keeperSocketOf(dataDir), { retryForMs: 0 });
  const status = await keeper.status().catch(() => undefined);
  if (status === undefined) return;
  const children = status.children.filter(({ id, pid }) => pid !== null && isHit(id));
  const pids = [status.pid, ...children.map(({ pid }) => pid ?? 0)];
  for (const pid of pids) if (stampOf(pid) !== undefined) process.kill(pid, "SIGKILL");
  await until("they are gone", () => pids.every((pid) => stampOf(pid) === undefined));
}

export const progressOf = ({ coordinator }: World, grant: string): GrantProgress | undefined =>
  coordinator.observation?.grants.find((seen) => seen.grant === grant)?.progress;

export const ask = (port: number, name: string, agent?: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = get(
      { host: "127.0.0.1", port, headers: { host: name }, ...(agent ? { agent } : {}) },
      async (response) => {
        let text = "";
        for await (const piece of response) text += piece;
        resolve(`${response.statusCode} ${text}`);
      },
    );
    request.on("error", reject);
  });

export async function untilProgress(world: World, grant: string, kind: GrantProgress["kind"]): Promise<void> {
  const log = () => readFile(join(world.dataDir, "agent.log"), "utf8");
  try {
    await until(`${grant} is ${kind}`, () => progressOf(world, grant)?.kind === kind);
  } catch (error) {
    throw new Error(`${JSON.stringify(progressOf(world, grant))}\n${await log()}`, { cause: error });
  }
}

/** The first release, confirmed; 1.0.0 unless another one is given. */
export async function hostWithFirstRelease(
  world: World,
  first?: UnitRelease,
  seams?: AgentSeams,
): Promise<{ readonly one: UnitRelease; readonly agent: AsyncDisposable }> {
  const one = first ?? (await world.release("1.0.0"));
  world.order([], [one, world.proxy, world.front]);
  const agent = await world.start(seams);
  await untilProgress(world, "r1", "provisional");
  world.order([one, world.proxy, world.front], []);
  await until(
    "proven",
    () =>
      world.coordinator.observation?.units.every(({ unit, proven }) => unit === "keeper" || proven !== undefined) ??
      false,
  );
  return { one, agent };
}
