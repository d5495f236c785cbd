import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import * as z from "zod";
import { repeatDefaultMs } from "../alerts/notification-settings.ts";
import { defaultHealthSettings } from "../health/health-settings.ts";
import { formatDuration, seconds } from "../units/time.ts";
import {
  environmentDefaults,
  gateDefaults,
  hostDefaults,
  probeDefaults,
  readyDefaults,
  siteDefaults,
} from "./complete-fleet.ts";
import { configureHost } from "./configure-host.ts";
import { pendingAlertMsDefault } from "./fleet.ts";
import { fleetFileJsonSchema } from "./fleet-file-schema.ts";
import { parsed } from "./fleet-text.sample.ts";
import { percentWords, selectorWords } from "./health-words.ts";

const documentAt = (path: string): string => readFileSync(new URL(`../../../../docs/${path}`, import.meta.url), "utf8");
const example = documentAt("examples/fleet.yaml");
const page = documentAt("fleet-file.md");

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** Every key a fleet file may have, as the documentation writes it: `sites.*.probes[].path`. */
function keysOf(schema: Schema, path = ""): readonly (readonly [key: string, schema: Schema])[] {
  const below = (key: string, inner: Schema): ReturnType<typeof keysOf> => [[key, inner], ...keysOf(inner, key)];
  const joined = (key: string): string => (path === "" ? key : `${path}.${key}`);
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => below(joined(key), inner)),
    ...(typeof schema.additionalProperties === "object" && schema.additionalProperties.properties !== undefined
      ? below(joined("*"), schema.additionalProperties)
      : []),
    ...(typeof schema.additionalProperties === "object" && schema.additionalProperties.items !== undefined
      ? below(joined("*"), schema.additionalProperties)
      : []),
    ...(schema.items === undefined ? [] : keysOf(schema.items, `${path}[]`)),
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((variant) => keysOf(variant, path)),
  ];
}

const schema = fleetFileJsonSchema() as Schema;
const keys = keysOf(schema);
const rowOf = (key: string): string | undefined => page.split("\n").find((line) => line.startsWith(`| \`${key}\` |`));

/** What stands under `health` means the same wherever it stands, so that it is explained once. */
const explainedAt = (key: string): string =>
  key.replace(/^(?:environments\[\]|sites\.\*)\.health\./, "defaults.health.");

const { falseHalt, falsePass, warmUpMs, minBakeMs, tolerance, required } = defaultHealthSettings;
const healthDefaults = {
  falseHalt: percentWords(falseHalt),
  falsePass: percentWords(falsePass),
  "tolerance.ratio": tolerance.errors.ratio,
  "tolerance.add": percentWords(tolerance.errors.margin),
  "slowTolerance.ratio": tolerance.slowness.ratio,
  "slowTolerance.add": percentWords(tolerance.slowness.margin),
  warmUp: formatDuration(warmUpMs),
  minBake: formatDuration(minBakeMs),
  require: `[${required.map(selectorWords).join(", ")}]`,
};

test("the schema knows the keys of every level", () => {
  const names = keys.map(([key]) => key);
  expect(names).toContain("sites.*.bindings.*[].edge");
  expect(names).toContain("sites.*.run.addresses.green");
  expect(names).toContain("environments[].gates.maxWait");
});

test("every key has a description for editors", () => {
  expect(keys.filter(([, { description }]) => description === undefined).map(([key]) => key)).toEqual([]);
});

test("the documentation has a row for every key, and no row for a key that isn't there", () => {
  const names = [...new Set(keys.map(([key]) => explainedAt(key)))];
  expect(names.filter((key) => rowOf(key) === undefined)).toEqual([]);
  const documented = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key);
  expect(documented.filter((key) => !names.includes(key ?? ""))).toEqual([]);
});

test.each([
  ...Object.entries(siteDefaults).map(([key, value]) => [`sites.*.${key}`, value] as const),
  ...Object.entries(siteDefaults).map(([key, value]) => [`defaults.${key}`, value] as const),
  ...Object.entries(readyDefaults).map(([key, value]) => [`sites.*.ready.${key}`, value] as const),
  ...Object.entries(probeDefaults).map(([key, value]) => [`sites.*.probes[].${key}`, value] as const),
  ...Object.entries(gateDefaults).map(([key, value]) => [`environments[].gates.${key}`, value] as const),
  ["environments[].pendingAlertAfter", formatDuration(pendingAlertMsDefault)] as const,
  ["notifications.repeat", formatDuration(repeatDefaultMs)] as const,
  ...["defaults", "environments[]", "sites.*"].map(
    (place) => [`${place}.onRegression`, environmentDefaults.onRegression] as const,
  ),
  ...Object.entries(healthDefaults).map(([key, value]) => [`defaults.health.${key}`, value] as const),
  ...Object.entries(hostDefaults).map(([key, value]) => [`hosts.*.${key}`, value] as const),
])("the documented default of %s is the real one, %s", (key, value) => {
  expect(rowOf(key)?.split("|")[2]).toContain(`\`${value}\``);
});

test("the example is a valid fleet of three hosts in two environments that every host can be derived from", () => {
  const fleet = parsed(example);
  expect(fleet.environments).toHaveLength(2);
  expect(fleet.hosts).toHaveLength(3);
  for (const { name } of fleet.hosts) {
    const configuration = configureHost(fleet, name, (text) => text, {
      probeEveryMs: seconds(1),
      probeTokenOf: (site) => site,
    });
    expect(configuration.sites.length).toBeGreaterThan(0);
    expect(configuration.front?.unit).toBe("front");
  }
});

test("editors that know only the schema accept the example and refuse what the parser refuses", () => {
  const judge = z.fromJSONSchema(fleetFileJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  const value: unknown = JSON.parse(JSON.stringify(parse(example)));
  expect(judge.safeParse(value).error?.issues ?? []).toEqual([]);
  for (const [right, wrong] of [
    ["port: 9090", 'port: "9090"'],
    ["drain: 30s", "drain: 30"],
    ["soak: 5m", "soek: 5m"],
    ["kind: public", "kind: publik"],
  ] as const) {
    const broken: unknown = JSON.parse(JSON.stringify(parse(example.replace(right, wrong))));
    expect(judge.safeParse(broken).success, stringify(wrong)).toBe(false);
  }
});
