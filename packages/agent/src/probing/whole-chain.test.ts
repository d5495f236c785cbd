import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import {
  defaultProxyLimits,
  type FrontSettings,
  frontUnit,
  type ProxyBinding,
  proxyUnit,
  type SiteProxySettings,
  type SlotTable,
} from "@sluice/core";
import { createSequentialIds, nodeClock } from "@sluice/runtime";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Prober, ProbeTarget } from "../drivers.ts";
import { startKeeperFixture } from "../keeper/testing/keeper-fixture.ts";
import { openProxies } from "../proxies/open-proxies.ts";
import { binding, duties, probe, releaseOf } from "../slots/testing/builders.ts";
import { openProber } from "./open-prober.ts";
import { type Authority, createAuthority } from "./testing/certificates.ts";

const never = new AbortController().signal;
const shop = proxyUnit("shop");
const slotRelease = `sha256:${"b".repeat(64)}`;
const probeTokens = { shop: "token-1" };

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority[Symbol.asyncDispose]());

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A host with a slot that knows only some names: the incident in small. */
async function fixture() {
  const keeper = await startKeeperFixture();
  onTestFinished(() => keeper[Symbol.asyncDispose]());
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const known = request.headers.host !== "unbound.shop.example";
    response.writeHead(known ? 200 : 400).end(known ? "Shop" : "Bad Request - Invalid Hostname");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const target = { host: "127.0.0.1", port: (server.address() as AddressInfo).port, release: slotRelease };
  return {
    asked,
    slots: { live: "green", green: target } satisfies SlotTable,
    target,
    proxies: openProxies({ keeper: keeper.keeper, dataDir: keeper.dir, host: "web-1", clock: nodeClock }),
    prober: openProber({ host: "web-1", clock: nodeClock, ids: createSequentialIds(), caFile: authority.caFile }),
  };
}

/** `hop binding outcome release` of every result, in short. */
async function outcomes(
  prober: Prober,
  site: ReturnType<typeof duties>,
  target: ProbeTarget,
): Promise<readonly string[]> {
  const results = await prober.round(site, target, never);
  return results.map(({ hop, binding, outcome, release }) => {
    const how = outcome.kind === "good" ? `good ${outcome.status}` : `${outcome.kind} ${outcome.reason}`;
    return `${hop} ${binding} ${how}${release === slotRelease ? " by the slot" : ""}`;
  });
}

test("a site with ports of its own is proven on every hop, before and after it takes users", async () => {
  const { prober, proxies, slots, target, asked } = await fixture();
  const [http, https] = [await freePort(), await freePort()];
  const { certFile, keyFile } = await authority.issue("www.shop.example");
  const site = duties({
    bindings: [
      binding({ port: http }),
      binding({ name: "www.shop.example", kind: "public", tls: true, bindingPort: 443, port: https }),
      binding({ name: "unbound.shop.example", kind: "public", port: http }),
    ],
    probes: [probe({ contains: "Shop" })],
  });
  const settings: SiteProxySettings = {
    site: "shop",
    engine: "node",
    listeners: [
      { bindingPort: 80, address: "127.0.0.1", port: http, tls: false },
      { bindingPort: 443, address: "127.0.0.1", port: https, tls: true },
    ],
    behindFront: false,
    bindings: [
      { name: "shop.internal", kind: "internal", bindingPort: 80 },
      { name: "www.shop.example", kind: "public", bindingPort: 443, certificate: { name: "shop", certFile, keyFile } },
      { name: "unbound.shop.example", kind: "public", bindingPort: 80 },
    ],
    forward: { host: "preserve", internalName: "shop.internal" },
    limits: defaultProxyLimits,
  };
  const expected = (hop: string) => [
    `${hop} shop.internal good 200 by the slot`,
    `${hop} www.shop.example good 200 by the slot`,
    `${hop} unbound.shop.example bad answered 400 "Bad Request - Invalid Hostname", expected 200 by the slot`,
  ];
  expect(await outcomes(prober, site, { hop: "slot", target })).toEqual(expected("slot"));
  const proxy = await proxies.startSuccessor(shop, releaseOf(shop, "1", settings), { slots, probeTokens });
  const probeSocket = proxies.probeSocket(proxy);
  expect(await outcomes(prober, site, { hop: "proxy", probeSocket })).toEqual(expected("proxy"));
  await proxies.accept(proxy);
  expect(await outcomes(prober, site, { hop: "listener" })).toEqual(expected("proxy"));
  const [direct, probed] = [asked[0]?.headers, asked[3]?.headers];
  expect(Object.keys(direct ?? {}).sort(), "a slot gets the same headers from the prober and from the proxy").toEqual(
    Object.keys(probed ?? {}).sort(),
  );
});

test("a whole new chain behind a shared port is proven before anything is switched", async () => {
  const { prober, proxies, slots, asked } = await fixture();
  const https = await freePort();
  const { certFile, keyFile } = await authority.issue("www.shop.example");
  const site = duties({
    bindings: [
      binding({ name: "www.shop.example", kind: "public", tls: true, shared: true, bindingPort: 443, port: https }),
    ],
  });
  const own: ProxyBinding = { name: "www.shop.example", kind: "public", bindingPort: 443 };
  const settings: SiteProxySettings = {
    site: "shop",
    engine: "node",
    listeners: [],
    behindFront: true,
    bindings: [own],
    forward: { host: "preserve", internalName: "www.shop.example" },
    limits: defaultProxyLimits,
  };
  const frontSettings: FrontSettings = {
    engine: "node",
    listeners: [{ bindingPort: 443, address: "127.0.0.1", port: https, tls: true }],
    routes: [{ ...own, site: "shop", certificate: { name: "shop", certFile, keyFile } }],
    limits: defaultProxyLimits,
  };
  const proxy = await proxies.startSuccessor(shop, releaseOf(shop, "1", settings), { slots, probeTokens });
  const good = (hop: string) => [`${hop} www.shop.example good 200 by the slot`];
  expect(await outcomes(prober, site, { hop: "proxy", probeSocket: proxies.probeSocket(proxy) })).toEqual(
    good("proxy"),
  );
  const routesBeforeAccept = { shop: proxies.probeSocket(proxy) };
  const release = releaseOf(frontUnit, "1", frontSettings);
  const front = await proxies.startSuccessor(frontUnit, release, {
    slots: { live: "hold" },
    probeTokens,
    routesBeforeAccept,
  });
  expect(await outcomes(prober, site, { hop: "front", probeSocket: proxies.probeSocket(front) })).toEqual(
    good("front"),
  );
  await proxies.accept(proxy);
  await proxies.accept(front);
  await proxies.list();
  expect(await outcomes(prober, site, { hop: "listener" })).toEqual(good("front"));
  expect(asked.map(({ headers }) => headers["x-forwarded-proto"])).toEqual(["https", "https", "https"]);
  expect((await proxies.list()).every(({ accepting }) => accepting)).toBe(true);
});

test("a probe socket that is gone is bad, in words", async () => {
  const { prober } = await fixture();
  const site = duties({ bindings: [binding({ shared: true }), binding({ name: "own" })] });
  expect(await outcomes(prober, site, { hop: "front", probeSocket: "/nowhere/probe.sock" })).toEqual([
    "front shop.internal bad probe socket /nowhere/probe.sock does not exist",
  ]);
});
