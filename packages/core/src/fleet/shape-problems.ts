import { distance } from "fastest-levenshtein";
import * as z from "zod";
import { type FleetPath, formatPath } from "./fleet-problem.ts";
import { fleetSource } from "./fleet-source.ts";
import { durationWanted } from "./source-words.ts";

/** A problem by path; the place in the file is looked up later. */
export interface PathProblem {
  readonly path: FleetPath;
  readonly sentence: string;
  readonly hint?: string;
  /** The problem is the key itself, not its value. */
  readonly onKey?: boolean;
  /** Relations that look at any of these are not judged while their shape is broken. `*` stands for any one segment. */
  readonly about?: readonly FleetPath[];
}

const wantedByType: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  array: "a list",
  object: "a map",
  record: "a map",
  boolean: "true or false",
};

/** Words of the design that this version doesn't have; refused by name, because a gate that isn't there must not look as if it were. */
const notBuiltYet: Readonly<Record<string, readonly string[]>> = {
  "environments.*.gates": [
    "window",
    "attended",
    "freeze",
    "freezes",
    "coverage",
    "representativeness",
    "monitoring",
    "capacity",
    "evidence",
  ],
  "environments.*": ["window", "attended", "freeze", "freezes"],
  "": ["freeze", "freezes", "windows", "notifications", "notify", "alerts", "mutes", "roles"],
};

const notBuiltYetValues: Readonly<Record<string, readonly string[]>> = { engine: ["haproxy"], driver: ["systemd"] };

/** Everything wrong with the shape of a fleet file, in words; empty when `value` is a {@link FleetSource}. */
export function shapeProblems(value: unknown): readonly PathProblem[] {
  const result = fleetSource.safeParse(value, { error: wantedOf });
  return result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, value));
}

function wantedOf(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "invalid_value") return (issue.values as readonly unknown[]).join(" or ");
  if (issue.code === "invalid_union") return ((issue as { options?: readonly unknown[] }).options ?? []).join(" or ");
  if (issue.code === "invalid_type") return wantedByType[issue.expected] ?? issue.expected;
  return "something else";
}

function problemsOf(issue: z.core.$ZodIssue, root: unknown): readonly PathProblem[] {
  const path = issue.path.map((segment) => (typeof segment === "number" ? segment : String(segment)));
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
  if (issue.code === "invalid_key") return [invalidKey(path, issue)];
  return [invalidValue(path, issue.message, valueAt(root, path))];
}

function invalidKey(path: FleetPath, issue: z.core.$ZodIssueInvalidKey): PathProblem {
  const wanted = issue.issues[0]?.message ?? "another name";
  return { path, onKey: true, sentence: `the key ${JSON.stringify(path.at(-1))} is not as wanted: ${wanted}` };
}

function unknownKey(parent: FleetPath, key: string): PathProblem {
  const path = [...parent, key];
  const pattern = parent.map((segment) => (typeof segment === "number" ? "*" : segment)).join(".");
  if (notBuiltYet[pattern]?.includes(key)) {
    return { path, onKey: true, sentence: `${formatPath(path)} is not supported by this version`, hint: "remove it" };
  }
  const legal = legalKeysAt(fleetSource, parent);
  const nearest = nearestOf(key, legal);
  return {
    path,
    onKey: true,
    sentence: `unknown key '${key}'`,
    hint: nearest === undefined ? `legal keys here: ${legal.join(", ")}` : `did you mean '${nearest}'?`,
  };
}

function invalidValue(path: FleetPath, wanted: string, found: unknown): PathProblem {
  const key = String(path.at(-1));
  if (found === undefined) return { path, sentence: `${formatPath(path)} is missing, wanted ${wanted}` };
  if (typeof found === "string" && notBuiltYetValues[key]?.includes(found)) {
    return {
      path,
      sentence: `${key} ${found} is not supported by this version, wanted ${wanted}`,
      hint: `use ${wanted}`,
    };
  }
  const hint = hintFor(wanted, found);
  const sentence = `found ${show(found)}, wanted ${wanted}`;
  return hint === undefined ? { path, sentence } : { path, sentence, hint };
}

function hintFor(wanted: string, found: unknown): string | undefined {
  if (found === null) return "give it a value or remove the key";
  const digits = typeof found === "number" || (typeof found === "string" && /^\d+(\.\d+)?$/.test(found));
  if (wanted === durationWanted && digits) return `write ${found}s or ${found}m`;
  if (typeof found === "string" && digits && /number|status|hosts/.test(wanted)) return `write ${found} without quotes`;
  if (typeof found === "number" && /name|text/.test(wanted)) return `write it in quotes: "${found}"`;
  if (typeof found === "boolean" && /name|text/.test(wanted)) return `write it in quotes: "${found}"`;
  if (typeof found === "string" && /list/.test(wanted) && found.trim() !== "")
    return `write it as a list: [${found.trim().split(/\s+/).join(", ")}]`;
  if (typeof found === "string" && /^[A-Z]/.test(found) && /lower-case/.test(wanted))
    return `write ${found.toLowerCase()}`;
  return undefined;
}

/** What was found, short enough for one line. */
export function show(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "string")
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)}`;
  return typeof value === "number" ? `the number ${value}` : String(value);
}

/** The legal name nearest to `wrong`, when one is near enough to be meant. */
export function nearestOf(wrong: string, legal: readonly string[]): string | undefined {
  const ranked = legal
    .map((word) => ({ word, away: distance(wrong.slice(0, 64).toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  const best = ranked[0];
  return best !== undefined && best.away <= Math.max(2, Math.floor(best.word.length / 3)) ? best.word : undefined;
}

function valueAt(root: unknown, path: FleetPath): unknown {
  let value = root;
  for (const segment of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[segment];
  }
  return value;
}

/** Keys the shape knows for the map at `path`; those of every variant where there are several. */
function legalKeysAt(schema: unknown, path: FleetPath): readonly string[] {
  if (schema instanceof z.ZodOptional) return legalKeysAt(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion) return [...new Set(schema.options.flatMap((option) => legalKeysAt(option, path)))];
  const [segment, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (segment === undefined) return Object.keys(schema.shape);
    return Object.hasOwn(schema.shape, segment) ? legalKeysAt(schema.shape[segment], rest) : [];
  }
  if (schema instanceof z.ZodRecord) return legalKeysAt(schema.valueType, rest);
  if (schema instanceof z.ZodArray) return legalKeysAt(schema.element, rest);
  return [];
}
