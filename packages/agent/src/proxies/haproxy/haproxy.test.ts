import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, createServer, request } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import {
  defaultProxyLimits,
  type EngineName,
  frontUnit,
  proxyUnit,
  type SlotTable,
  type UnitKey,
  type UnitRelease,
} from "@sluice/core";
import { askWorker } from "@sluice/proxy/haproxy/master-cli";
import { processFiles } from "@sluice/proxy/haproxy/process-files";
import { installedHaproxy } from "@sluice/proxy/haproxy/testing/installed-haproxy";
import { nodeClock } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import { type KeeperFixture, startKeeperFixture, until } from "../../keeper/testing/keeper-fixture.ts";
import { releaseOf } from "../../slots/testing/builders.ts";
import { type HostProxies, openProxies } from "../open-proxies.ts";

const haproxy = await installedHaproxy();
/** Where it can be: what is skipped says why. */
const here = (name: string, run: () => Promise<void>): void =>
  haproxy === undefined ? test.skip(`${name} (HAProxy 2.6 or newer is not installed here)`) : test(name, run);

const probeTokens = { shop: "token-1" };
const shop = proxyUnit("shop");

async function fixture(): Promise<KeeperFixture & { readonly proxies: HostProxies }> {
  const keeper = await startKeeperFixture();
  onTestFinished(() => keeper[Symbol.asyncDispose]());
  const proxies = openProxies({ keeper: keeper.keeper, dataDir: keeper.dir, host: "web-1", clock: nodeClock });
  return Object.assign(keeper, { proxies });
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function slotNamed(
  name: string,
): Promise<{ readonly host: string; readonly port: number; readonly release: string }> {
  const server = createServer((req, response) => {
    req.resume();
    req.on("end", () => setTimeout(() => response.end(name), 5));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port, release: `sha256:${name}` };
}

function shopProxy(engine: EngineName, port: number | undefined): UnitRelease {
  return releaseOf(shop, `settings ${engine}`, {
    site: "shop",
    engine,
    listeners: port === undefined ? [] : [{ bindingPort: 80, address: "127.0.0.1", port, tls: false }],
    behindFront: port === undefined,
    bindings: [{ name: "shop.internal", kind: "internal", bindingPort: 80 }],
    forward: { host: "preserve", internalName: "shop.internal" },
    limits: defaultProxyLimits,
  });
}

function frontFor(engine: EngineName, port: number): UnitRelease {
  return releaseOf(frontUnit, `front ${engine}`, {
    engine,
    listeners: [{ bindingPort: 80, address: "127.0.0.1", port, tls: false }],
    routes: [{ name: "shop.internal", kind: "internal", bindingPort: 80, site: "shop" }],
    limits: defaultProxyLimits,
  });
}

function send(port: number, method: string, agent: Agent | false): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, method, agent, headers: { host: "shop.internal" } },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("error", reject);
        response.on("end", () => resolve(`${response.statusCode} ${body}`));
      },
    );
    asked.on("error", reject);
    asked.end(method === "POST" ? "x".repeat(512) : undefined);
  });
}

/** Requests without a pause, every other client on connections of its own; answers what was not `wanted`. */
function startLoad(port: number, wanted: string): { stop(): Promise<{ sent: number; failed: readonly string[] }> } {
  const kept = new Agent({ keepAlive: true });
  const failed: string[] = [];
  let sent = 0;
  let stopped = false;
  const clients = [0, 1, 2, 3, 4, 5].map(async (client) => {
    while (!stopped) {
      sent += 1;
      const method = sent % 3 === 0 ? "POST" : "GET";
      const answer = await send(port, method, client % 2 === 0 && kept).catch(String);
      if (answer !== wanted) failed.push(`${method} ${client % 2 === 0 ? "kept" : "fresh"} ${answer}`);
    }
  });
  return {
    async stop() {
      stopped = true;
      await Promise.all(clients);
      kept.destroy();
      return { sent, failed };
    },
  };
}

/** As an activation does: successor, accept, drain of the predecessor. */
async function replace(
  { proxies, keeper }: Awaited<ReturnType<typeof fixture>>,
  unit: UnitKey,
  release: UnitRelease,
  slots: SlotTable,
): Promise<void> {
  const before = (await proxies.list()).filter((proxy) => proxy.unit === unit);
  const next = await proxies.startSuccessor(unit, release, { slots, probeTokens });
  await proxies.accept(next);
  for (const predecessor of before) await proxies.drain(predecessor, 20_000);
  await until(async () => {
    const { children } = await keeper.status();
    return before.every(({ childId }) => !children.some(({ id }) => id === childId));
  });
}

here("a site's engine is changed on the same port under load, there and back, without a failed request", async () => {
  const host = await fixture();
  const port = await freePort();
  const slots: SlotTable = { live: "blue", blue: await slotNamed("blue") };
  await replace(host, shop, shopProxy("node", port), slots);
  const load = startLoad(port, "200 blue");
  for (const engine of ["haproxy", "node", "haproxy", "haproxy", "node"] as const) {
    await replace(host, shop, shopProxy(engine, port), slots);
    const [running, ...others] = await host.proxies.list();
    expect(others).toEqual([]);
    expect(running).toMatchObject({ accepting: true, draining: false, slots });
    expect(running?.build.startsWith("haproxy ")).toBe(engine === "haproxy");
  }
  const { sent, failed } = await load.stop();
  expect(failed).toEqual([]);
  expect(sent).toBeGreaterThan(100);
});

here("a front of one engine leads to site proxies of the other, and each is changed under load", async () => {
  const host = await fixture();
  const port = await freePort();
  const slots: SlotTable = { live: "blue", blue: await slotNamed("blue") };
  await replace(host, shop, shopProxy("node", undefined), slots);
  await replace(host, frontUnit, frontFor("node", port), { live: "hold" });
  const load = startLoad(port, "200 blue");
  await replace(host, frontUnit, frontFor("haproxy", port), { live: "hold" });
  await replace(host, shop, shopProxy("haproxy", undefined), slots);
  await replace(host, frontUnit, frontFor("node", port), { live: "hold" });
  await replace(host, shop, shopProxy("node", undefined), slots);
  const { sent, failed } = await load.stop();
  expect(failed).toEqual([]);
  expect(sent).toBeGreaterThan(50);
});

here("an HAProxy that is killed comes back with what it was ordered, and connections wait for it", async () => {
  const { proxies } = await fixture();
  const port = await freePort();
  const both = { blue: await slotNamed("blue"), green: await slotNamed("green") };
  const release = shopProxy("haproxy", port);
  const proxy = await proxies.startSuccessor(shop, release, { slots: { live: "blue", ...both }, probeTokens });
  expect(proxy).toMatchObject({ digest: release.digest, accepting: false, slots: { live: "blue", ...both } });
  await proxies.accept(proxy);
  await proxies.putSlots(proxy, { live: "green", ...both });
  const [before] = await proxies.list();
  if (before === undefined) throw new Error("there is no proxy to kill");
  process.kill(before.pid, "SIGKILL");
  expect(await send(port, "GET", false).catch(() => send(port, "GET", false))).toBe("200 green");
  await until(async () => (await proxies.list()).length === 1);
  const [again] = await proxies.list();
  expect(again).toMatchObject({ childId: proxy.childId, accepting: true, slots: { live: "green" } });
});

here("when the last HAProxy is removed nothing of it is left: no process, socket or folder", async () => {
  const { proxies, keeper, dir } = await fixture();
  const port = await freePort();
  const proxy = await proxies.startSuccessor(shop, shopProxy("haproxy", port), {
    slots: { live: "hold" },
    probeTokens,
  });
  await proxies.accept(proxy);
  await proxies.remove(proxy, 2000);
  expect(await keeper.status()).toMatchObject({ children: [], sockets: [] });
  expect(existsSync(join(dir, "run", proxy.childId))).toBe(false);
});

for (const engine of ["node", "haproxy"] as const) {
  here(
    `the configuration of a ${engine} engine that is edited by hand is found after whatever it was ordered, and put back`,
    async () => {
      const { proxies, dir } = await fixture();
      const target = await slotNamed("blue");
      const proxy = await proxies.startSuccessor(shop, shopProxy(engine, await freePort()), {
        slots: { live: "hold" },
        probeTokens,
      });
      const folder = join(dir, "run", proxy.childId);
      expect(await proxies.edited()).toEqual([]);
      await proxies.accept(proxy);
      await proxies.putSlots(proxy, { live: "blue", blue: target });
      expect(await proxies.edited()).toEqual([]);
      const both = ["settings.json", "state.json"];
      const rest = ["haproxy.cfg", "hosts.map", "latency.map", "outcome.map", "slot.map", "slot.lua", "counts.lua"];
      for (const name of engine === "node" ? both : [...both, ...rest, "nominated.lua"]) {
        const file = join(folder, name);
        const text = await readFile(file, "utf8");
        await writeFile(file, text.replace("shop.internal", "shop.hacked").replace("blue", "grey").concat("# x\n"));
        const [edited, ...others] = await proxies.edited();
        expect(others).toEqual([]);
        expect(edited).toMatchObject({ kind: "configuration-edited", about: shop, where: file });
        await edited?.heal?.();
        expect(await readFile(file, "utf8")).toBe(text);
        await rm(file);
        expect(await proxies.edited()).toMatchObject([{ where: file, found: "no file" }]);
        await writeFile(file, text);
        expect(await proxies.edited()).toEqual([]);
      }
      await proxies.remove(proxy, 1000);
      expect(await proxies.edited()).toEqual([]);
      expect(await readdir(join(dir, "agent", "proxy-settings"))).toEqual([]);
    },
  );
}

here(
  "maps of a running HAProxy that are changed by hand are found and put back, and the files say nothing of it",
  async () => {
    const { proxies, dir } = await fixture();
    const port = await freePort();
    const slots: SlotTable = { live: "blue", blue: await slotNamed("blue") };
    const proxy = await proxies.startSuccessor(shop, shopProxy("haproxy", port), { slots, probeTokens });
    await proxies.accept(proxy);
    const { masterSocket, hostsMap, latencyMap } = processFiles(join(dir, "run", proxy.childId));
    const { pid } = (await proxies.list())[0] ?? proxy;
    const tell = (command: string) => askWorker(masterSocket, pid, command);
    expect(await proxies.edited()).toEqual([]);
    await tell(`del map ${hostsMap} shop.internal/80`);
    await tell(`add map ${hostsMap} other.internal/80 512`);
    const [fastest = ""] = (await readFile(latencyMap, "utf8")).split(" ");
    await tell(`set map ${latencyMap} ${fastest} 17`);
    expect(await send(port, "GET", false)).not.toBe("200 blue");
    const found = await proxies.edited();
    expect(found).toMatchObject([
      { kind: "configuration-edited", about: shop, where: `${hostsMap} in the running process` },
      { kind: "configuration-edited", about: shop, where: `${latencyMap} in the running process` },
    ]);
    for (const one of found) await one.heal?.();
    expect(await proxies.edited()).toEqual([]);
    expect(await send(port, "GET", false)).toBe("200 blue");
  },
);
