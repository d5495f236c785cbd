import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { Agent, createServer, request } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import {
  defaultProxyLimits,
  type FrontSettings,
  frontUnit,
  proxyUnit,
  type SiteProxySettings,
  type SlotTable,
  type UnitRelease,
} from "@sluice/core";
import { nodeClock } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import type { Proxies } from "../drivers.ts";
import { type KeeperFixture, startKeeperFixture, until } from "../keeper/testing/keeper-fixture.ts";
import { releaseOf } from "../slots/testing/builders.ts";
import { openProxies } from "./open-proxies.ts";

const probeTokens = { shop: "token-1" };
const shop = proxyUnit("shop");

async function fixture(): Promise<KeeperFixture & { readonly proxies: Proxies }> {
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

/** A slot that answers with its name. */
async function slotNamed(
  name: string,
): Promise<{ readonly host: string; readonly port: number; readonly release: string }> {
  const server = createServer((_, response) => response.end(name)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port, release: `sha256:${name}` };
}

function shopProxy(port: number, over: Partial<SiteProxySettings> = {}): UnitRelease {
  return releaseOf(shop, "settings", {
    site: "shop",
    engine: "node",
    listeners: [{ bindingPort: 80, address: "127.0.0.1", port, tls: false }],
    behindFront: false,
    bindings: [{ name: "shop.internal", kind: "internal", bindingPort: 80 }],
    forward: { host: "preserve", internalName: "shop.internal" },
    limits: defaultProxyLimits,
    ...over,
  });
}

function frontFor(port: number): UnitRelease {
  const settings: FrontSettings = {
    engine: "node",
    listeners: [{ bindingPort: 80, address: "127.0.0.1", port, tls: false }],
    routes: [{ name: "shop.internal", kind: "internal", bindingPort: 80, site: "shop" }],
    limits: defaultProxyLimits,
  };
  return releaseOf(frontUnit, "front", settings);
}

const fresh = new Agent({ keepAlive: false });

/** Status and body of a request as a user of `shop.internal`; on a connection of its own unless `agent` is given. */
function get(port: number, agent = fresh): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, agent, headers: { host: "shop.internal" } }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve(`${response.statusCode} ${body}`));
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("a successor does not accept until it is told to, then serves the slots it was started with", async () => {
  const { proxies, dir } = await fixture();
  const port = await freePort();
  const slots: SlotTable = { live: "blue", blue: await slotNamed("blue") };
  const release = shopProxy(port);
  const proxy = await proxies.startSuccessor(shop, release, { slots, probeTokens });
  expect(proxy).toMatchObject({
    unit: shop,
    childId: "proxy-shop-1",
    digest: release.digest,
    accepting: false,
    draining: false,
    slots,
  });
  expect(proxies.probeSocket(proxy)).toBe(join(dir, "run/proxy-shop-1/probe.sock"));
  expect(existsSync(proxies.probeSocket(proxy))).toBe(true);
  await proxies.accept(proxy);
  expect(await get(port)).toBe("200 blue");
  expect(await proxies.list()).toEqual([{ ...proxy, accepting: true }]);
});

test("the next request after new slots are put goes to the new slot", async () => {
  const { proxies } = await fixture();
  const port = await freePort();
  const both = { blue: await slotNamed("blue"), green: await slotNamed("green") };
  const proxy = await proxies.startSuccessor(shop, shopProxy(port), { slots: { live: "blue", ...both }, probeTokens });
  await proxies.accept(proxy);
  expect(await get(port)).toBe("200 blue");
  await proxies.putSlots(proxy, { live: "green", ...both });
  expect(await get(port)).toBe("200 green");
});

test("a successor takes over on the same port without a failed request, and the drained one is gone with its folder", async () => {
  const { proxies, keeper, dir } = await fixture();
  const port = await freePort();
  const slots: SlotTable = { live: "blue", blue: await slotNamed("blue") };
  const first = await proxies.startSuccessor(shop, shopProxy(port), { slots, probeTokens });
  await proxies.accept(first);
  const answers: string[] = [];
  let stop = false;
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => kept.destroy());
  const load = Promise.all(
    [fresh, kept].map(async (agent) => {
      while (!stop) answers.push(await get(port, agent).catch((error: Error) => error.message));
    }),
  );
  const second = await proxies.startSuccessor(shop, shopProxy(port), { slots, probeTokens });
  await proxies.accept(second);
  await proxies.drain(first, 5000);
  await until(async () => (await keeper.status()).children.length === 1);
  stop = true;
  await load;
  expect(new Set(answers)).toEqual(new Set(["200 blue"]));
  expect((await proxies.list()).map(({ childId }) => childId)).toEqual([second.childId]);
  await until(() => !existsSync(join(dir, "run", first.childId)));
  expect(second.childId).toBe("proxy-shop-2");
});

test("a proxy that is killed comes back with what it was ordered", async () => {
  const { proxies } = await fixture();
  const port = await freePort();
  const both = { blue: await slotNamed("blue"), green: await slotNamed("green") };
  const proxy = await proxies.startSuccessor(shop, shopProxy(port), { slots: { live: "blue", ...both }, probeTokens });
  await proxies.accept(proxy);
  await proxies.putSlots(proxy, { live: "green", ...both });
  process.kill(proxy.pid, "SIGKILL");
  expect(await get(port), "queued in the kernel until the next one serves it").toBe("200 green");
  // It serves users first and can be asked how it is a moment later.
  await until(async () => (await proxies.list()).length === 1);
  const [again] = await proxies.list();
  expect(again).toMatchObject({ childId: proxy.childId, accepting: true, slots: { live: "green" } });
  expect(again?.pid).not.toBe(proxy.pid);
});

test("a refused successor goes away without touching the predecessor, and its number is not used again", async () => {
  const { proxies, keeper } = await fixture();
  const port = await freePort();
  const otherPort = await freePort();
  const slots: SlotTable = { live: "blue", blue: await slotNamed("blue") };
  const first = await proxies.startSuccessor(shop, shopProxy(port), { slots, probeTokens });
  await proxies.accept(first);
  const listener = { bindingPort: 80, address: "127.0.0.1", port: otherPort, tls: false };
  const refused = await proxies.startSuccessor(shop, shopProxy(port, { listeners: [listener] }), {
    slots,
    probeTokens,
  });
  await proxies.remove(refused, 1000);
  expect(await get(port)).toBe("200 blue");
  expect(
    (await keeper.status()).sockets.map(({ name }) => name),
    "its own socket is closed",
  ).toEqual([`listen-127.0.0.1-${port}`]);
  expect((await proxies.startSuccessor(shop, shopProxy(port), { slots, probeTokens })).childId).toBe("proxy-shop-3");
});

test("when the last proxy is removed nothing of it is left: no process, socket or folder", async () => {
  const { proxies, keeper, dir } = await fixture();
  const port = await freePort();
  const release = shopProxy(port, { behindFront: true });
  const proxy = await proxies.startSuccessor(shop, release, { slots: { live: "hold" }, probeTokens });
  await proxies.accept(proxy);
  await proxies.remove(proxy, 2000);
  await proxies.remove(proxy, 2000);
  expect(await keeper.status()).toMatchObject({ children: [], sockets: [] });
  expect(await readdir(join(dir, "run"))).toEqual(["generations.json"]);
  await expect(get(port)).rejects.toThrow("ECONNREFUSED");
});

test("a port that is taken is reported as that, and nothing is left behind", async () => {
  const { proxies, keeper } = await fixture();
  const server = createTcpServer().listen(0, "127.0.0.1");
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await expect(
    proxies.startSuccessor(shop, shopProxy(port), { slots: { live: "hold" }, probeTokens }),
  ).rejects.toMatchObject({ reason: "port-taken" });
  expect(await keeper.status()).toMatchObject({ children: [], sockets: [] });
});

test("a proxy that can't start says why, and nothing is left behind", async () => {
  const { proxies, keeper } = await fixture();
  const port = await freePort();
  const release = shopProxy(port, { limits: { ...defaultProxyLimits, headerBytesMax: 1 } });
  await expect(proxies.startSuccessor(shop, release, { slots: { live: "hold" }, probeTokens })).rejects.toMatchObject({
    reason: "spawn-failed",
    message: expect.stringContaining("cannot use proxy settings"),
  });
  expect(await keeper.status()).toMatchObject({ children: [], sockets: [] });
});

test("a proxy that hangs is left out of the list, the others are not", async () => {
  const { proxies, keeper } = await fixture();
  const [one, two] = [await freePort(), await freePort()];
  const hanging = await proxies.startSuccessor(shop, shopProxy(one), { slots: { live: "hold" }, probeTokens });
  const blog = proxyUnit("blog");
  const blogRelease = { ...shopProxy(two, { site: "blog" }), unit: blog };
  const well = await proxies.startSuccessor(blog, blogRelease, { slots: { live: "hold" }, probeTokens });
  await keeper.signalChild(hanging.childId, "SIGSTOP");
  const startedAt = performance.now();
  expect(await proxies.list()).toEqual([well]);
  expect(performance.now() - startedAt).toBeLessThan(4000);
  await keeper.signalChild(hanging.childId, "SIGCONT");
  await until(async () => (await proxies.list()).length === 2);
});

test("a front sends requests to the site proxy behind it", async () => {
  const { proxies } = await fixture();
  const port = await freePort();
  const slots: SlotTable = { live: "blue", blue: await slotNamed("blue") };
  const behind = shopProxy(0, { listeners: [], behindFront: true });
  const site = await proxies.startSuccessor(shop, behind, { slots, probeTokens });
  await proxies.accept(site);
  const front = await proxies.startSuccessor(frontUnit, frontFor(port), { slots: { live: "hold" }, probeTokens });
  expect(front).toMatchObject({ unit: "front", childId: "front-2", accepting: false, slots: { live: "hold" } });
  await proxies.accept(front);
  expect(await get(port)).toBe("200 blue");
  expect((await proxies.list()).map(({ childId }) => childId)).toEqual(["proxy-shop-1", "front-2"]);
});

test("several successors start side by side, and what a killed agent left behind is cleared away meanwhile", async () => {
  const { proxies, keeper, dir } = await fixture();
  await mkdir(join(dir, "run/proxy-old-7"), { recursive: true });
  const leftPort = await freePort();
  await keeper.ensureSocket(`listen-127.0.0.1-${leftPort}`, { kind: "tcp", address: "127.0.0.1", port: leftPort });
  const ports = await Promise.all(["a", "b", "c"].map(freePort));
  const starting = ports.map((port, at) => {
    const unit = proxyUnit(`site-${at}`);
    const release = { ...shopProxy(port, { site: `site-${at}`, behindFront: true }), unit };
    return proxies.startSuccessor(unit, release, { slots: { live: "hold" }, probeTokens });
  });
  await proxies.list();
  const started = await Promise.all(starting);
  for (const proxy of started) await proxies.accept(proxy);
  expect((await proxies.list()).map(({ accepting }) => accepting)).toEqual([true, true, true]);
  expect(started.map(({ childId }) => childId).sort()).toEqual(
    ["proxy-site-0-8", "proxy-site-1-9", "proxy-site-2-10"].sort(),
  );
  await until(async () => !(await keeper.status()).sockets.some(({ name }) => name.endsWith(`-${leftPort}`)));
  await until(() => !existsSync(join(dir, "run/proxy-old-7")));
});
