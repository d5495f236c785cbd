import { expect, test } from "vitest";
import { describeChange } from "../words/describe-change.ts";
import { diffFleets } from "./diff-fleets.ts";
import { type FleetTextParts, fleetText, parsed } from "./fleet-text.sample.ts";

const diff = (before: FleetTextParts, after: FleetTextParts) =>
  diffFleets(parsed(fleetText(before)), parsed(fleetText(after)));
const sentences = (before: FleetTextParts, after: FleetTextParts) =>
  diff(before, after).changes.map(({ sentence }) => sentence);

test("equal fleets have no differences", () => {
  expect(diff({}, {})).toEqual({ changes: [], affected: [] });
});

test("everything is added to a fleet that was not there", () => {
  const { changes, affected } = diffFleets(undefined, parsed(fleetText()));
  expect(changes.map(({ sentence }) => sentence)).toEqual([
    "environment production: added",
    "host web-1: added to production",
    "host web-2: added to production",
    "site shop: added",
  ]);
  expect(affected).toContainEqual({ host: "web-2", unit: "proxy:shop", kind: "added" });
});

test.each([
  [
    "forward.host",
    { site: "forward: { host: internal }" },
    { site: "forward: { host: preserve }" },
    "site shop: forward.host internal → preserve",
  ],
  ["a duration", { site: "drain: 5s" }, { site: "drain: 2m" }, "site shop: drain 5s → 2m"],
  [
    "the command",
    {},
    { run: "{ driver: process, command: [x] }" },
    'site shop: run.command ["node","server.js"] → ["x"]',
  ],
  [
    "probes",
    {},
    { site: "probes: [{ path: /up, expect: [200, 204] }]" },
    "site shop: probes GET / expects 200, within 5s → GET /up expects 200 or 204, within 5s",
  ],
  ["health in defaults", {}, { top: "defaults: { health: { minBake: 10m } }" }, "site shop: health.minBake 2m → 10m"],
  ["what to do", {}, { environment: "onRegression: hold" }, "site shop: onRegression revert → hold"],
  ["what is done about drift", { site: "drift: report" }, {}, "site shop: drift report → as the environment says"],
  ["drift everywhere", {}, { top: "defaults: { drift: report }" }, "environment production: drift heal → report"],
  ["waves", {}, { environment: "waves: [100%]" }, "environment production: waves 1, 100% → 100%"],
  [
    "gates",
    {},
    { environment: "gates: { approval: [approver] }" },
    "environment production: gates.approval none → approver",
  ],
  ["an address", {}, { top: "hosts: { web-1: { address: 10.0.0.1 } }" }, "host web-1: address 0.0.0.0 → 10.0.0.1"],
  ["a port map", {}, { top: "hosts: { web-1: { ports: { 80: 81 } } }" }, "host web-1: ports none mapped → 80 on 81"],
  ["a shared port", {}, { top: "sharedPorts: [80]" }, "shared port 80: added"],
  ["a certificate", {}, { top: "certificates: { c: { cert: /c, key: /k } }" }, "certificate c: added"],
  [
    "a kind",
    {},
    { bindings: "{ name: shop.internal, kind: public, port: 80 }" },
    "site shop in production: binding shop.internal:80 kind internal → public",
  ],
])("a change of %s is one sentence", (_what, before, after, sentence) => {
  expect(sentences(before, after)).toEqual([sentence]);
});

test("health that changes in one environment names it, and touches nothing on hosts", () => {
  const text = (health: string) => `fleet: f
environments: [{ name: a, hosts: [x] }, { name: b, hosts: [y], health: ${health} }]
sites:
  shop:
    run: { driver: process, command: [x] }
    bindings: { a: [{ name: s.a, kind: internal, port: 80 }], b: [{ name: s.b, kind: internal, port: 80 }] }
`;
  const ignoring = "{ ignore: [limited, { binding: S.b, indicator: not-found }], tolerance: { ratio: 2, add: 0.5% } }";
  const found = diffFleets(parsed(text("{}")), parsed(text(ignoring)));
  expect(found.changes.map((change) => describeChange(change, found))).toEqual([
    "site shop in b: health.tolerance 1.25 times plus 0.1% → 2 times plus 0.5%; takes effect without an activation",
    "site shop in b: health.ignore nothing → limited, not-found of s.b; takes effect without an activation",
  ]);
});

test("bindings are added and removed by name and port", () => {
  expect(sentences({}, { bindings: "{ name: shop.internal, kind: internal, port: 81 }" })).toEqual([
    "site shop in production: internal binding shop.internal:80 removed",
    "site shop in production: internal binding shop.internal:81 added",
  ]);
});

test("another order of promotion is a change of its own", () => {
  const text = (order: string) => `fleet: f\nenvironments: [${order}]\nsites: {}\n`;
  const a = "{ name: a, hosts: [x] }";
  const b = "{ name: b, hosts: [y] }";
  const { changes } = diffFleets(parsed(text(`${a}, ${b}`)), parsed(text(`${b}, ${a}`)));
  expect(changes).toEqual([
    { kind: "reordered", of: "environment", name: "f", sentence: "environments: order of promotion a, b → b, a" },
  ]);
});

test("a change says what it touches, and that duties touch nothing", () => {
  const found = diff({ site: "forward: { host: internal }" }, { site: "drain: 9s" });
  expect(found.affected).toEqual([
    { host: "web-1", unit: "proxy:shop", kind: "changed" },
    { host: "web-2", unit: "proxy:shop", kind: "changed" },
  ]);
  expect(found.changes.map((change) => describeChange(change, found))).toEqual([
    "site shop: forward.host internal → preserve; changes proxy of shop on web-1, web-2",
    "site shop: drain 30s → 9s; takes effect without an activation",
  ]);
});

test("a removed host takes its units with it", () => {
  const before = parsed(fleetText());
  const after = parsed(fleetText().replace("[web-1, web-2]", "[web-1]"));
  expect(diffFleets(before, after)).toEqual({
    changes: [{ kind: "removed", of: "host", name: "web-2", sentence: "host web-2: removed from production" }],
    affected: [
      { host: "web-2", unit: "site:shop", kind: "removed" },
      { host: "web-2", unit: "proxy:shop", kind: "removed" },
    ],
  });
});

test("another engine in the defaults is another engine of every site that names none, and of the fronts", () => {
  const shared = "{ name: shop.internal, kind: internal, port: 80 }";
  const top = (engine: string) => ({ bindings: shared, top: `defaults: { engine: ${engine} }\nsharedPorts: [80]` });
  const { changes, affected } = diff(top("node"), top("haproxy"));
  expect(changes.map(({ sentence }) => sentence)).toEqual([
    "fleet: engine of the fronts node → haproxy",
    "site shop: engine node → haproxy",
  ]);
  expect(new Set(affected.map(({ unit }) => unit))).toEqual(new Set(["proxy:shop", "front"]));
});
