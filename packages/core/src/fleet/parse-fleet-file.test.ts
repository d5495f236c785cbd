import { expect, test } from "vitest";
import { fleetText, parsed, problemsIn } from "./fleet-text.sample.ts";
import { parseFleetFile } from "./parse-fleet-file.ts";

const lines = (text: string): string[] => problemsIn(text).map(({ path, sentence }) => `${path}: ${sentence}`);
const only = (text: string) => {
  const problems = problemsIn(text);
  expect(problems.map(({ sentence }) => sentence)).toHaveLength(1);
  return problems[0];
};

test("a small file is completed with every default", () => {
  const fleet = parsed(fleetText());
  expect(fleet.environments[0]).toEqual({
    name: "production",
    hosts: ["web-1", "web-2"],
    waves: [
      { kind: "hosts", count: 1 },
      { kind: "percent", percent: 100 },
    ],
    gates: {
      soakMs: 60_000,
      approval: [],
      maxWaitMs: 3_600_000,
      windows: [],
      representativeness: true,
      coverage: true,
      monitoring: true,
    },
    unconfirmed: "revert",
  });
  expect(fleet.hosts[0]).toEqual({ name: "web-1", environment: "production", address: "0.0.0.0", ports: {} });
  expect(fleet.sites[0]).toMatchObject({
    engine: "node",
    ready: { path: "/", withinMs: 60_000 },
    forward: { host: "preserve" },
    drainMs: 30_000,
    holdMs: 20_000,
    keepPreviousMs: 1_800_000,
    maxUnavailable: 1,
    onRegression: { production: "revert" },
    probes: [{ path: "/", method: "GET", headers: {}, expect: [200], timeoutMs: 5000 }],
  });
});

test("a site's own word goes before defaults, and defaults before what is built in", () => {
  const text = fleetText({ top: "defaults: { drain: 5s, hold: 7s }", site: "drain: 1m" });
  expect(parsed(text).sites[0]).toMatchObject({ drainMs: 60_000, holdMs: 7000 });
});

test("how many hosts go back at a time is a site's own number, and twice those that go forwards where nobody says", () => {
  expect(parsed(fleetText({})).sites[0]).not.toHaveProperty("maxReverting");
  const text = fleetText({ top: "defaults: { maxReverting: 1 }", site: "maxUnavailable: 2" });
  expect(parsed(text).sites[0]).toMatchObject({ maxUnavailable: 2, maxReverting: 1 });
  expect(parsed(fleetText({ site: "maxReverting: 3" })).sites[0]).toMatchObject({ maxReverting: 3 });
});

test("the default probe asks the path that readiness asks", () => {
  expect(parsed(fleetText({ site: "ready: { path: /up }" })).sites[0]?.probes[0]).toMatchObject({
    path: "/up",
    expect: [200],
  });
});

test("binding names are lower-cased, because browsers send them so", () => {
  expect(
    parsed(fleetText({ bindings: "{ name: Shop.Internal, kind: internal, port: 80 }" })).sites[0]?.bindings
      .production?.[0]?.name,
  ).toBe("shop.internal");
});

test("a soak longer than the usual wait stretches the default of maxWait", () => {
  expect(parsed(fleetText({ environment: "gates: { soak: 2h }" })).environments[0]?.gates.maxWaitMs).toBe(
    4 * 3_600_000,
  );
});

test("every problem of shape and relation is reported at once, with its place", () => {
  const problems = problemsIn(
    fleetText({
      top: "defaults: { drain: 30 }",
      environment: "wave: [1]",
      bindings: '{ name: a.b, kind: public, port: "80" }, { name: c.d, kind: internal, port: 81, edge: "http://c.d" }',
    }),
  );
  expect(problems.map(({ path }) => path)).toEqual([
    "environments[0].wave",
    "defaults.drain",
    "sites.shop.bindings.production[0].port",
    "sites.shop.bindings.production[1].edge",
  ]);
  expect(problems[2]).toEqual({
    file: "fleet.yaml",
    line: 10,
    column: 63,
    path: "sites.shop.bindings.production[0].port",
    sentence: 'found the text "80", wanted a port number from 1 to 65535',
    hint: "write 80 without quotes",
  });
});

test("an unknown key names the nearest known one", () => {
  expect(only(fleetText({ environment: "wavs: [1]" }))).toMatchObject({
    path: "environments[0].wavs",
    hint: "did you mean 'waves'?",
  });
  expect(only(fleetText({ site: "colour: red" }))?.hint).toMatch(/^legal keys here: engine, run, ready,/);
});

test("a duration without a unit says what to write", () => {
  expect(only(fleetText({ site: "drain: 30" }))).toMatchObject({
    sentence: expect.stringContaining("found the number 30"),
    hint: "write 30s or 30m",
  });
  expect(only(fleetText({ site: 'drain: "30"' }))).toMatchObject({ hint: "write 30s or 30m" });
});

test.each([
  [{ environment: "gates: { capacity: 2 }" }, "environments[0].gates.capacity is not supported by this version"],
  [{ environment: "window: { days: mon-thu }" }, "environments[0].window is not supported by this version"],
  [{ top: "freeze: []" }, "freeze is not supported by this version"],
  [
    { run: "{ driver: systemd, unit: x }" },
    "driver systemd is not supported by this version, wanted process or external",
  ],
])("what is not built yet is refused, never ignored: %j", (parts, sentence) => {
  expect(only(fleetText(parts))?.sentence).toBe(sentence);
});

test.each([
  ["run.command empty", { run: "{ driver: process, command: [] }" }, "sites.shop.run.command"],
  ["run.command as text", { run: "{ driver: process, command: node server.js }" }, "sites.shop.run.command"],
  ["a number in a command", { run: "{ driver: process, command: [node, 80] }" }, "sites.shop.run.command[1]"],
  ["a number in env", { run: "{ driver: process, command: [node], env: { A: 1 } }" }, "sites.shop.run.env.A"],
  ["a probe path without a slash", { site: "probes: [{ path: healthz }]" }, "sites.shop.probes[0].path"],
  [
    "an edge that is no URL",
    { bindings: "{ name: a.b, kind: public, port: 80, edge: a.b }" },
    "sites.shop.bindings.production[0].edge",
  ],
  ["a trailing dot", { bindings: "{ name: a.b., kind: public, port: 80 }" }, "sites.shop.bindings.production[0].name"],
  ["a wildcard", { bindings: '{ name: "*.b", kind: public, port: 80 }' }, "sites.shop.bindings.production[0].name"],
  ["port 0", { bindings: "{ name: a.b, kind: public, port: 0 }" }, "sites.shop.bindings.production[0].port"],
  ["a role in capitals", { environment: "gates: { approval: [Release] }" }, "environments[0].gates.approval[0]"],
  ["an address that is a name", { top: "hosts: { web-1: { address: localhost } }" }, "hosts.web-1.address"],
  ["a port key that is no port", { top: "hosts: { web-1: { ports: { http: 80 } } }" }, "hosts.web-1.ports.http"],
  ["falseHalt without per cent", { top: "defaults: { health: { falseHalt: 1 } }" }, "defaults.health.falseHalt"],
  ["a reserved name", { top: "certificates: { constructor: { cert: /a, key: /b } }" }, "certificates.constructor"],
  ["an empty list of bindings", { bindings: "" }, "sites.shop.bindings.production"],
])("the shape refuses %s", (_what, parts, path) => {
  expect(problemsIn(fleetText(parts)).map((problem) => problem.path)).toContain(path);
});

test("a missing key points at what it is missing from", () => {
  expect(only(fleetText({ bindings: "{ name: a.b, kind: public }" }))).toMatchObject({
    line: 10,
    path: "sites.shop.bindings.production[0].port",
    sentence: "sites.shop.bindings.production[0].port is missing, wanted a port number from 1 to 65535",
  });
});

test("duplicate keys, also 80 and '80', are problems with both lines", () => {
  expect(lines("fleet: a\nfleet: b\nenvironments: []\nsites: {}")).toContain(
    "fleet: the key 'fleet' appears twice, first in line 1",
  );
  expect(lines(fleetText({ top: 'hosts: { web-1: { ports: { 80: 1, "80": 2 } } }' }))).toEqual([
    expect.stringContaining("the key '80' appears twice"),
  ]);
});

test("malformed YAML has a place and is not followed by guesses", () => {
  const problems = problemsIn("fleet: [a\nsites: {}");
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.every(({ sentence }) => sentence.startsWith("not valid YAML: "))).toBe(true);
});

test("a second document is refused", () => {
  expect(only(`${fleetText()}\n---\nfleet: b\n`)?.sentence).toBe("a second document starts here, wanted one");
});

test("an empty file and no file at all are problems, too", () => {
  expect(only("# nothing\n")?.sentence).toBe("the fleet file is empty");
  expect(parseFleetFile([])).toMatchObject({ kind: "invalid", problems: [{ sentence: "there is no fleet file" }] });
});

test("anchors, aliases and nothing else expand", () => {
  const text = fleetText({ site: "probes: &p [{ path: / }]" }).concat(
    "  blog:\n    run: { driver: process, command: [x] }\n    probes: *p\n    bindings: { production: [{ name: b.c, kind: internal, port: 81 }] }\n",
  );
  expect(parsed(text).sites[1]?.probes[0]?.path).toBe("/");
});

test("an alias cycle is a problem at the alias", () => {
  expect(lines(fleetText({ site: "probes: &p [*p]" }))).toContain(
    "sites.shop.probes[0]: an alias refers to something that contains it",
  );
});

test("an alias bomb is stopped", () => {
  const levels = Array.from(
    { length: 9 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(", ")}]`,
  );
  const text = `fleet: a\nl0: &l0 [x]\n${levels.join("\n")}\n`;
  expect(lines(text).some((line) => line.includes("the file holds more than"))).toBe(true);
});

test("very deep nesting is refused instead of filling the stack", () => {
  expect(lines("[".repeat(100_000))).toEqual([": the file nests deeper than 64 levels"]);
  expect(lines(`${"- ".repeat(20_000)}x`)).toEqual([": the file nests deeper than 64 levels"]);
  expect(
    problemsIn(Array.from({ length: 3000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")).length,
  ).toBeGreaterThan(0);
});

test("the key __proto__ is refused", () => {
  expect(lines(fleetText({ top: "certificates: { __proto__: { cert: /a, key: /b } }" }))).toContain(
    "certificates: unknown key '__proto__'",
  );
});

test("files of a folder are one fleet", () => {
  const [first = "", second = ""] = fleetText().split("sites:\n");
  const result = parseFleetFile([
    { file: "a.yaml", text: first },
    { file: "b.yaml", text: `sites:\n${second}` },
    {
      file: "c.yaml",
      text: "sites:\n  blog:\n    run: { driver: process, command: [x] }\n    bindings: { production: [{ name: b.c, kind: internal, port: 81 }] }\n",
    },
    { file: "d.yaml", text: "# only a comment\n" },
  ]);
  expect(result).toMatchObject({ kind: "ok", fleet: { sites: [{ name: "shop" }, { name: "blog" }] } });
});

test("what two files both say is a problem that names both", () => {
  const result = parseFleetFile([
    { file: "a.yaml", text: fleetText() },
    { file: "b.yaml", text: "fleet: other\nsites:\n  shop: {}\n" },
  ]);
  expect(result).toMatchObject({
    kind: "invalid",
    problems: [
      { file: "b.yaml", line: 1, path: "fleet", sentence: "'fleet' is also in a.yaml:1; keep one of them" },
      { file: "b.yaml", line: 3, path: "sites.shop", sentence: "'sites.shop' is also in a.yaml:8; keep one of them" },
    ],
  });
});

test("a file that can't be read silences what it might have said, not what the others say", () => {
  const result = parseFleetFile([
    { file: "a.yaml", text: "fleet: A\n" },
    { file: "b.yaml", text: "sites: [\n" },
  ]);
  const files = result.kind === "invalid" ? result.problems.map(({ file, path }) => `${file} ${path}`) : [];
  expect(files[0]).toBe("a.yaml fleet");
  expect(files.slice(1).every((line) => line === "b.yaml ")).toBe(true);
});

test("a file that is no map says just that", () => {
  expect(lines("- fleet: a\n")).toEqual([": the file is not a map, wanted keys such as fleet, environments and sites"]);
});

test("a duration that no timer can wait for is refused", () => {
  expect(only(fleetText({ site: "keepPrevious: 60d" }))?.sentence).toBe(
    'found the text "60d", wanted a duration of at most 24d',
  );
  expect(only(fleetText({ site: "keepPrevious: soon" }))?.sentence).toContain("wanted a duration with its unit");
});
