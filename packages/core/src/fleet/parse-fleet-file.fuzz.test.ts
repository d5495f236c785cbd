import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import type { FleetSource } from "./fleet-source.ts";
import { type ParsedFleet, parseFleetFile } from "./parse-fleet-file.ts";

const parse = (text: string): ParsedFleet => parseFleetFile([{ file: "f.yaml", text }]);

/** Every problem of a text lies inside it, and an invalid file has at least one. */
function expectPlaces(text: string, result: ParsedFleet): void {
  if (result.kind === "ok") return;
  expect(result.problems.length).toBeGreaterThan(0);
  const lines = text.split(/\r\n|\n/);
  for (const { line, column, sentence } of result.problems) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 2);
    expect(sentence).not.toBe("");
  }
}

const yamlish = fc
  .array(
    fc.constantFrom(
      "a",
      ":",
      " ",
      "\n",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "&a ",
      "*a",
      "<<",
      "|",
      ">",
      '"',
      "'",
      "#",
      "!!set ",
      "? ",
      "---",
      "\t",
      "80",
      "fleet: x\n",
      "sites:\n",
      "%YAML 1.1\n",
      "~",
      "\r\n",
      ",",
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

test("no text makes the parser throw, and problems lie inside the text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), yamlish), (text) =>
      expectPlaces(text, parse(text)),
    ),
    { numRuns: 800 },
  );
});

test("no JSON document makes the parser throw", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => expectPlaces(text, parse(text))),
    { numRuns: 200 },
  );
});

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).filter((name) => name !== "constructor");
const duration = fc
  .tuple(fc.integer({ min: 1, max: 90 }), fc.constantFrom("s", "m", "h"))
  .map(([count, unit]) => `${count}${unit}`);

/** A valid fleet by construction: names are unique, ports are one for each site, certificates exist. */
const fleetSource: fc.Arbitrary<FleetSource> = fc
  .record({
    fleet: label,
    environments: fc.uniqueArray(label, { minLength: 1, maxLength: 3 }),
    hostCount: fc.integer({ min: 1, max: 4 }),
    sites: fc.uniqueArray(label, { maxLength: 4 }),
    shared: fc.boolean(),
    tls: fc.boolean(),
    kind: fc.constantFrom("internal" as const, "public" as const),
    soak: fc.option(duration, { nil: undefined }),
    drain: fc.option(duration, { nil: undefined }),
    expect: fc.option(
      fc.oneof(fc.integer({ min: 100, max: 599 }), fc.array(fc.integer({ min: 100, max: 599 }), { minLength: 1 })),
      { nil: undefined },
    ),
  })
  .map((parts) => ({
    fleet: parts.fleet,
    environments: parts.environments.map((name) => ({
      name,
      hosts: Array.from({ length: parts.hostCount }, (_, index) => `${name}-${index}`),
      waves: [1, "100%"],
      gates: parts.soak === undefined ? {} : { soak: parts.soak },
    })),
    sharedPorts: parts.shared ? [443] : [],
    certificates: { main: { cert: "/c", key: "/k" } },
    sites: Object.fromEntries(
      parts.sites.map((name, index) => [
        name,
        {
          run: { driver: "process" as const, command: ["run", name] },
          ...(parts.drain === undefined ? {} : { drain: parts.drain }),
          bindings: Object.fromEntries(
            parts.environments.map((environment) => [
              environment,
              [
                {
                  name: `${name}.${environment}`,
                  kind: parts.kind,
                  port: parts.shared ? 443 : 1000 + index,
                  ...(parts.tls ? { tls: "main" } : {}),
                  ...(parts.kind === "public" ? { edge: `https://${name}.example/` } : {}),
                },
              ],
            ]),
          ),
          ...(parts.expect === undefined ? {} : { probes: [{ path: "/x?y=1", expect: parts.expect }] }),
        },
      ]),
    ),
  }));

test("every valid fleet is read back as it was written, as YAML and as JSON", () => {
  fc.assert(
    fc.property(fleetSource, (source) => {
      const result = parse(stringify(source));
      expect(result).toMatchObject({
        kind: "ok",
        fleet: {
          name: source.fleet,
          environments: source.environments.map(({ name, hosts }) => ({ name, hosts })),
        },
      });
      if (result.kind === "invalid") return;
      expect(new Set(result.fleet.sites.map(({ name }) => name))).toEqual(new Set(Object.keys(source.sites)));
      expect(result.fleet.hosts).toHaveLength(source.environments.flatMap(({ hosts }) => hosts).length);
      for (const site of result.fleet.sites) expect(site.bindings).toEqual(source.sites[site.name]?.bindings);
      expect(parse(JSON.stringify(source))).toEqual(result);
    }),
    { numRuns: 150 },
  );
});

const edit = fc.record({
  at: fc.nat(),
  remove: fc.integer({ min: 0, max: 12 }),
  insert: fc.oneof(yamlish, fc.string({ maxLength: 8 })),
});

test("a valid file that was damaged anywhere parses or says where it is wrong", () => {
  fc.assert(
    fc.property(fleetSource, fc.array(edit, { minLength: 1, maxLength: 4 }), (source, edits) => {
      const text = edits.reduce((before, { at, remove, insert }) => {
        const from = at % (before.length + 1);
        return before.slice(0, from) + insert + before.slice(from + remove);
      }, stringify(source));
      expectPlaces(text, parse(text));
    }),
    { numRuns: 500 },
  );
});

test("a valid file whose values were exchanged for others parses or says where it is wrong", () => {
  fc.assert(
    fc.property(fleetSource, fc.nat(), fc.jsonValue({ maxDepth: 2 }), (source, which, value) => {
      let seen = 0;
      const leaves = JSON.stringify(source).match(/"[^"]*"|\d+|\{|\[/g)?.length ?? 1;
      const replaced = JSON.stringify(source, (_key, member: unknown) => {
        seen += 1;
        return seen === (which % leaves) + 2 ? value : member;
      });
      expectPlaces(replaced, parse(replaced));
    }),
    { numRuns: 300 },
  );
});
