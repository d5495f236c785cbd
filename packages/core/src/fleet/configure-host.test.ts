import { expect, test } from "vitest";
import type { SiteProxySettings } from "../proxying/proxy-settings.ts";
import { defaultProxyLimits } from "../proxying/proxy-settings.ts";
import { durationMs } from "../units/time.ts";
import { configureHost, frontFor, siteRelease } from "./configure-host.ts";
import { fleetText, parsed } from "./fleet-text.sample.ts";

/** Tells contents apart without a hash function: long enough for a label, different for different text. */
const digest = (text: string): string =>
  `sha256:${[...text]
    .reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, 7)
    .toString(16)
    .padStart(8, "0")}${text.length}`;
const options = { probeEveryMs: durationMs(1000), probeTokenOf: (site: string) => `token-${site}` };

const twoSites = `
fleet: acme
environments: [{ name: test, hosts: [t-1] }, { name: production, hosts: [web-1] }]
hosts: { web-1: { address: 10.0.0.1, ports: { 80: 8080 } } }
sharedPorts: [80, 443]
certificates: { shop: { cert: /c, key: /k } }
sites:
  shop:
    run: { driver: process, command: [node] }
    hold: 3s
    bindings:
      production:
        - { name: www.shop.example, kind: public, port: 443, tls: shop, edge: "https://www.shop.example" }
        - { name: shop.internal, kind: internal, port: 80 }
        - { name: admin.internal, kind: internal, port: 9090 }
  blog:
    run: { driver: process, command: [node] }
    bindings:
      test: [{ name: blog.test, kind: internal, port: 81 }]
      production: [{ name: blog.internal, kind: internal, port: 80 }]
`;

test("a host gets only the sites that have bindings in its environment", () => {
  const fleet = parsed(twoSites);
  const test = configureHost(fleet, "t-1", digest, options);
  expect(test.environment).toBe("test");
  expect(test.sites.map(({ site }) => site)).toEqual(["blog"]);
  expect(test.siteRun.map(({ site }) => site)).toEqual(["blog"]);
  expect(test.proxies.map(({ unit }) => unit)).toEqual(["proxy:blog"]);
  expect(test.front).toBeUndefined();
  expect(configureHost(fleet, "web-1", digest, options).proxies.map(({ unit }) => unit)).toEqual([
    "proxy:shop",
    "proxy:blog",
  ]);
});

test("shared ports become routes of the front, own ports listeners of the site's proxy", () => {
  const { proxies, front } = configureHost(parsed(twoSites), "web-1", digest, options);
  const shop = proxies[0]?.content as SiteProxySettings;
  expect(shop.listeners).toEqual([{ bindingPort: 9090, address: "10.0.0.1", port: 9090, tls: false }]);
  expect(shop.behindFront).toBe(true);
  expect(shop.bindings.map(({ name }) => name)).toEqual(["admin.internal", "shop.internal", "www.shop.example"]);
  expect(shop.limits).toEqual({ ...defaultProxyLimits, holdMs: 3000 });
  expect(front?.content).toMatchObject({
    listeners: [
      { bindingPort: 80, address: "10.0.0.1", port: 8080, tls: false },
      { bindingPort: 443, address: "10.0.0.1", port: 443, tls: true },
    ],
    routes: [
      { site: "blog", name: "blog.internal", bindingPort: 80 },
      { site: "shop", name: "shop.internal", bindingPort: 80 },
      {
        site: "shop",
        name: "www.shop.example",
        bindingPort: 443,
        certificate: { name: "shop", certFile: "/c", keyFile: "/k" },
      },
    ],
  });
});

test("the front leads only to the sites asked for, and is absent without a route", () => {
  const fleet = parsed(twoSites);
  expect(frontFor(fleet, "web-1", ["blog"], digest)?.content).toMatchObject({
    listeners: [{ bindingPort: 80 }],
    routes: [{ site: "blog" }],
  });
  expect(frontFor(fleet, "web-1", [], digest)).toBeUndefined();
  expect(frontFor(fleet, "web-1", ["nobody"], digest)).toBeUndefined();
});

test("probes connect by real port and, for hosts that listen everywhere, over loopback", () => {
  const fleet = parsed(twoSites);
  expect(configureHost(fleet, "web-1", digest, options).sites[0]).toMatchObject({
    probeToken: "token-shop",
    probeEveryMs: 1000,
    bindings: [
      { name: "www.shop.example", port: 443, tls: true, shared: true, edge: "https://www.shop.example" },
      { name: "shop.internal", bindingPort: 80, port: 8080, address: "10.0.0.1", tls: false, shared: true },
      { name: "admin.internal", port: 9090, shared: false },
    ],
  });
  expect(configureHost(fleet, "t-1", digest, options).sites[0]?.bindings[0]?.address).toBe("127.0.0.1");
});

test("labels carry the first eight digits of the digest", () => {
  const { proxies } = configureHost(parsed(twoSites), "web-1", digest, options);
  expect(proxies[0]?.version).toBe(`settings ${proxies[0]?.digest.slice(7, 15)}`);
});

test("the order of bindings in the file changes no release", () => {
  const a = "{ name: a.b, kind: internal, port: 80 }";
  const b = "{ name: c.d, kind: public, port: 80 }";
  const digestOf = (bindings: string) =>
    configureHost(parsed(fleetText({ bindings })), "web-1", digest, options).proxies[0]?.digest;
  expect(digestOf(`${a}, ${b}`)).toBe(digestOf(`${b}, ${a}`));
});

test("what only the agent or a rollout looks at changes no release", () => {
  const digestsOf = (site: string) =>
    configureHost(parsed(fleetText({ site })), "web-1", digest, options).proxies.map((proxy) => proxy.digest);
  expect(digestsOf("drain: 9s")).toEqual(digestsOf("maxUnavailable: 2"));
  expect(digestsOf("hold: 9s")).not.toEqual(digestsOf("hold: 8s"));
});

test("a site's release is told by its artifact and by how it is run", () => {
  const site = parsed(fleetText()).sites[0];
  if (site === undefined) throw new Error("the sample has a site");
  const release = siteRelease(site, "2.4.0", "sha256:aa", digest);
  expect(release).toMatchObject({
    unit: "site:shop",
    version: "2.4.0",
    content: { site: "shop", artifact: "sha256:aa", run: site.run, ready: site.ready },
  });
  expect(siteRelease(site, "renamed", "sha256:aa", digest).digest).toBe(release.digest);
  expect(siteRelease(site, "2.4.0", "sha256:bb", digest).digest).not.toBe(release.digest);
  expect(siteRelease(site, "2.4.0", undefined, digest).content).not.toHaveProperty("artifact");
});

test("a host that is not in the fleet is a problem", () => {
  expect(() => configureHost(parsed(twoSites), "web-9", digest, options)).toThrow(
    "cannot configure host 'web-9': it is not in fleet acme",
  );
});

test("a site runs on its own engine, and fronts on that of the defaults", () => {
  const fleet = parsed(`${twoSites}    engine: node\ndefaults: { engine: haproxy }\n`);
  const { proxies, front } = configureHost(fleet, "web-1", digest, options);
  expect(proxies.map(({ content }) => "engine" in content && content.engine)).toEqual(["haproxy", "node"]);
  expect(front?.content).toMatchObject({ engine: "haproxy" });
  expect(configureHost(parsed(twoSites), "web-1", digest, options).front?.content).toMatchObject({ engine: "node" });
});

test("what is done about drift is the site's word, else its environment's, else that of the defaults", () => {
  const said = (defaults: string, environment: string, site: string) => {
    const text = twoSites
      .replace("fleet: acme", `fleet: acme\ndefaults: { ${defaults} }`)
      .replace("name: production,", `name: production, ${environment}`)
      .replace("hold: 3s", `hold: 3s\n    ${site}`);
    const { drift, siteDrift } = configureHost(parsed(text), "web-1", digest, options);
    return { drift, siteDrift };
  };
  expect(said("", "", "")).toEqual({ drift: "heal", siteDrift: {} });
  expect(said("drift: report", "", "")).toEqual({ drift: "report", siteDrift: {} });
  expect(said("drift: report", "drift: heal,", "")).toEqual({ drift: "heal", siteDrift: {} });
  expect(said("drift: report", "drift: heal,", "drift: report")).toEqual({
    drift: "heal",
    siteDrift: { shop: "report" },
  });
});
