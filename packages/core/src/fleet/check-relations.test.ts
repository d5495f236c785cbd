import { expect, test } from "vitest";
import { fleetText, problemsIn } from "./fleet-text.sample.ts";

const two = (environments: string, rest = "") =>
  `fleet: acme\nenvironments: [${environments}]\n${rest}\nsites:\n  shop:\n    run: { driver: process, command: [x] }\n    bindings:\n      a: [{ name: s.a, kind: internal, port: 80 }]\n`;
const blog = (bindings: string) =>
  `  blog:\n    run: { driver: process, command: [x] }\n    bindings: { production: [${bindings}] }\n`;

const cases: readonly (readonly [string, string, string, string])[] = [
  [
    "an environment declared twice",
    two("{ name: a, hosts: [x] }, { name: a, hosts: [y] }"),
    "environments[1].name",
    "environment 'a' is declared twice, first in environments[0]",
  ],
  [
    "a host in two environments",
    two("{ name: a, hosts: [x] }, { name: b, hosts: [x] }"),
    "environments[1].hosts[0]",
    "host 'x' is already in environments[0].hosts[0]; a host belongs to one environment, once",
  ],
  [
    "a host that nobody uses",
    fleetText({ top: "hosts: { web-9: {} }" }),
    "hosts.web-9",
    "host 'web-9' is in no environment",
  ],
  [
    "waves out of order",
    fleetText({ environment: "waves: [50%, 25%, 100%]" }),
    "environments[0].waves[1]",
    "wave 25% is not larger than 50% before it; sizes are cumulative and ascend",
  ],
  [
    "waves that end early",
    fleetText({ environment: "waves: [1, 50%]" }),
    "environments[0].waves[1]",
    "the last wave covers 1 of 2 hosts, wanted all",
  ],
  [
    "a maxWait below the soak",
    fleetText({ environment: "gates: { soak: 1h, maxWait: 30m }" }),
    "environments[0].gates.maxWait",
    "maxWait 30m ends before an observation can: the soak takes 1h",
  ],
  [
    "a site without bindings",
    `${fleetText()}  blog:\n    run: { driver: process, command: [x] }\n    bindings: {}\n`,
    "sites.blog.bindings",
    "site 'blog' has no bindings, so that nobody could reach it",
  ],
  [
    "bindings in an unknown environment",
    `${fleetText()}  blog:\n    run: { driver: process, command: [x] }\n    bindings: { prodction: [{ name: b.c, kind: internal, port: 81 }] }\n`,
    "sites.blog.bindings.prodction",
    "there is no environment 'prodction'",
  ],
  [
    "one binding of two sites",
    `${fleetText({ top: "sharedPorts: [80]" })}${blog("{ name: Shop.Internal, kind: internal, port: 80 }")}`,
    "sites.blog.bindings.production[0]",
    "shop.internal:80 in production belongs to site 'shop' already (sites.shop.bindings.production[0])",
  ],
  [
    "a port of two sites that is not shared",
    `${fleetText()}${blog("{ name: b.c, kind: internal, port: 80 }")}`,
    "sites.blog.bindings.production[0].port",
    "port 80 is used by site 'shop' as well (sites.shop.bindings.production[0]), but is not shared",
  ],
  [
    "a shared port listed twice",
    fleetText({ top: "sharedPorts: [80, 80]" }),
    "sharedPorts[1]",
    "port 80 is listed twice",
  ],
  [
    "two ports on one real port",
    fleetText({ top: "hosts: { web-1: { ports: { 80: 8080, 8080: 8080 } } }" }),
    "hosts.web-1.ports.80",
    "ports 80 and 8080 would both be bound to 8080 on host 'web-1'",
  ],
  [
    "two hosts on one address and port",
    fleetText({
      top: "hosts: { web-1: { address: 127.0.0.1, ports: { 80: 2001 } }, web-2: { address: 127.0.0.1, ports: { 80: 2001 } } }",
    }),
    "hosts.web-2.ports.80",
    "host 'web-2' would listen on 127.0.0.1 port 2001, where host 'web-1' listens already",
  ],
  [
    "an unknown certificate",
    fleetText({ bindings: "{ name: a.b, kind: public, port: 443, tls: shop }" }),
    "sites.shop.bindings.production[0].tls",
    "there is no certificate 'shop'",
  ],
  [
    "TLS and clear text on one port",
    fleetText({
      top: "certificates: { c: { cert: /c, key: /k } }",
      bindings: "{ name: a.b, kind: public, port: 80, tls: c }, { name: b.b, kind: public, port: 80 }",
    }),
    "sites.shop.bindings.production[1]",
    "port 80 is TLS for a.b (sites.shop.bindings.production[0]) and clear text for b.b; a port speaks one of them",
  ],
  [
    "an edge on an internal binding",
    fleetText({ bindings: '{ name: a.b, kind: internal, port: 80, edge: "http://a.b" }' }),
    "sites.shop.bindings.production[0].edge",
    "an internal binding has no edge: outsiders don't come in by it",
  ],
  [
    "internal forwarding without an internal name",
    fleetText({ bindings: "{ name: a.b, kind: public, port: 80 }", site: "forward: { host: internal }" }),
    "sites.shop.bindings.production",
    "forward.host internal needs an internal binding in production, to be the Host that slots get",
  ],
  [
    "one address for both slots",
    fleetText({ run: '{ driver: external, addresses: { blue: "127.0.0.1:1", green: "127.0.0.1:1" } }' }),
    "sites.shop.run.addresses.green",
    "both slots are at 127.0.0.1:1; they need an address each to run side by side",
  ],
  [
    "text wanted in the body of a HEAD",
    fleetText({ site: "probes: [{ path: /, method: HEAD, contains: x }]" }),
    "sites.shop.probes[0].contains",
    "an answer to HEAD has no body that could contain this",
  ],
  [
    "a body of a GET",
    fleetText({ site: "probes: [{ path: /, body: x }]" }),
    "sites.shop.probes[0].body",
    "a GET sends no body",
  ],
  [
    "a probe that sets Host",
    fleetText({ site: "probes: [{ path: /, headers: { Host: x } }]" }),
    "sites.shop.probes[0].headers.Host",
    "the header Host is set by the prober itself",
  ],
];

test.each(cases)("%s is a problem of its own", (_what, text, path, sentence) => {
  expect(problemsIn(text).map((problem) => ({ path: problem.path, sentence: problem.sentence }))).toEqual([
    { path, sentence },
  ]);
});

test.each([
  ["a public binding without an edge", fleetText({ bindings: "{ name: a.b, kind: public, port: 80 }" })],
  [
    "a shared port used by two sites",
    `${fleetText({ top: "sharedPorts: [80]" })}${blog("{ name: b.c, kind: internal, port: 80 }")}`,
  ],
  [
    "several hosts on one address with ports of their own",
    fleetText({
      top: "hosts: { web-1: { address: 127.0.0.1, ports: { 80: 2001 } }, web-2: { address: 127.0.0.1, ports: { 80: 2002 } } }",
    }),
  ],
  [
    "hosts that listen on all their addresses",
    fleetText({ top: "hosts: { web-1: { address: 0.0.0.0 }, web-2: { address: 0.0.0.0 } }" }),
  ],
  ["ports swapped on a host", fleetText({ top: "hosts: { web-1: { ports: { 80: 81, 81: 80 } } }" })],
  ["waves that meet because there are few hosts", fleetText({ environment: "waves: [1, 50%, 100%]" })],
])("%s is fine", (_what, text) => {
  expect(problemsIn(text)).toEqual([]);
});

test("a broken piece is not reported a second time as a missing one", () => {
  const text = fleetText({
    top: "certificates: { shop: { cert: shop.crt, key: /k } }",
    bindings: "{ name: a.b, kind: public, port: 443, tls: shop }",
  });
  expect(problemsIn(text).map(({ path }) => path)).toEqual(["certificates.shop.cert"]);
});

test("an environment with a broken gate still owns its hosts and its name", () => {
  const text = fleetText({ environment: "gates: { soak: 5 }", top: "hosts: { web-1: { address: 10.0.0.1 } }" });
  expect(problemsIn(text).map(({ path }) => path)).toEqual(["environments[0].gates.soak"]);
});
