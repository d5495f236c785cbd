import * as z from "zod";
import { type FleetPath, formatPath } from "./fleet-problem.ts";
import { fleetSource } from "./fleet-source.ts";
import { nearestOf } from "./nearest.ts";
import type { PathProblem } from "./path-problem.ts";
import { durationWanted } from "./source-words.ts";

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
  "environments.*.gates": ["freeze", "capacity", "evidence"],
  "environments.*": ["window", "attended", "freeze"],
  "": ["freeze", "windows", "notify", "alerts", "mutes", "roles"],
};

const notBuiltYetValues: Readonly<Record<string, readonly string[]>> = { driver: ["systemd"] };

/** Keys that belong to another place, by the key above them. */
const elsewhere: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  health: {
    maxWait: "it stands under gates of an environment, because a rollout waits once: environments[].gates.maxWait",
    soak: "it stands under gates of an environment: environments[].gates.soak",
    onRegression: "it stands beside health, not in it",
  },
};

/** Everything wrong with the shape of a fleet file, in words; empty when `value` is a {@link FleetSource}. */
export function shapeProblems(value: unknown): readonly PathProblem[] {
  return problemsUnder(fleetSource, [], value, value);
}

/** Problems of the value at `path`, judged by its part of the shape. */
function problemsUnder(schema: z.ZodType, path: FleetPath, value: unknown, root: unknown): readonly PathProblem[] {
  const result = schema.safeParse(value, { error: wantedOf });
  return result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, path, root));
}

function wantedOf(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "invalid_value") return (issue.values as readonly unknown[]).join(" or ");
  if (issue.code === "invalid_union") return ((issue as { options?: readonly unknown[] }).options ?? []).join(" or ");
  if (issue.code === "invalid_type") return wantedByType[issue.expected] ?? issue.expected;
  return "something else";
}

function problemsOf(issue: z.core.$ZodIssue, above: FleetPath, root: unknown): readonly PathProblem[] {
  const path = [...above, ...issue.path.map((segment) => (typeof segment === "number" ? segment : String(segment)))];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key, root));
  if (issue.code === "invalid_union") {
    const chosen = variantFor(schemaAt(fleetSource, path, root), valueAt(root, path));
    if (chosen !== undefined) return problemsUnder(chosen, path, valueAt(root, path), root);
  }
  if (issue.code === "invalid_key") return [invalidKey(path, issue), ...problemsBelow(path, root)];
  const value = valueAt(root, path);
  if (issue.code === "invalid_union") {
    const asMap = issue.errors.find((errors) => !errors.some(isAboutType));
    if (asMap !== undefined && isMap(value)) return asMap.flatMap((inner) => problemsOf(inner, path, root));
  }
  return [invalidValue(path, issue.message, value, legalValues(issue))];
}

/** The variant of a union that was not meant at all. */
const isAboutType = (issue: z.core.$ZodIssue): boolean =>
  issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");

const isMap = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);

/** The words that would have been right, where few words are. */
function legalValues(issue: z.core.$ZodIssue): readonly string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  return issue.code === "invalid_union" ? issue.errors.flat().flatMap(legalValues) : [];
}

/** The shape gives up on an entry whose key is wrong; its value may be wrong as well. */
function problemsBelow(path: FleetPath, root: unknown): readonly PathProblem[] {
  const value = valueAt(root, path);
  const schema = schemaAt(fleetSource, path, root);
  return schema instanceof z.ZodType ? problemsUnder(schema, path, value, root) : [];
}

function invalidKey(path: FleetPath, issue: z.core.$ZodIssueInvalidKey): PathProblem {
  const wanted = issue.issues[0]?.message ?? "another name";
  const key = String(path.at(-1));
  const hint = hintFor(wanted, key);
  return {
    path,
    onKey: true,
    sentence: `found the key ${JSON.stringify(key)}, wanted ${wanted}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

function unknownKey(parent: FleetPath, key: string, root: unknown): PathProblem {
  const path = [...parent, key];
  const pattern = parent.map((segment) => (typeof segment === "number" ? "*" : segment)).join(".");
  if (notBuiltYet[pattern]?.includes(key)) {
    return { path, onKey: true, sentence: `${formatPath(path)} is not supported by this version`, hint: "remove it" };
  }
  const place = elsewhere[String(parent.at(-1))]?.[key];
  if (place !== undefined) return { path, onKey: true, sentence: `unknown key '${key}'`, hint: place };
  const legal = legalKeysAt(parent, root);
  const nearest = nearestOf(key, legal);
  const hint = nearest === undefined ? `legal keys here: ${legal.join(", ")}` : `did you mean '${nearest}'?`;
  return { path, onKey: true, sentence: `unknown key '${key}'`, hint };
}

function invalidValue(path: FleetPath, wanted: string, found: unknown, legal: readonly string[]): PathProblem {
  const key = String(path.at(-1));
  if (found === undefined) return { path, sentence: `${formatPath(path)} is missing, wanted ${wanted}` };
  if (typeof found === "string" && notBuiltYetValues[key]?.includes(found)) {
    return {
      path,
      sentence: `${key} ${found} is not supported by this version, wanted ${wanted}`,
      hint: `use ${wanted}`,
    };
  }
  const nearest = typeof found === "string" ? nearestOf(found, legal) : undefined;
  const hint = nearest === undefined ? hintFor(wanted, found) : `did you mean '${nearest}'?`;
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

function valueAt(root: unknown, path: FleetPath): unknown {
  let value = root;
  for (const segment of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[segment];
  }
  return value;
}

/** The shape of what is at `path`; where variants are told apart by `driver`, the one that `value` chose. */
function schemaAt(schema: unknown, path: FleetPath, value: unknown): unknown {
  if (schema instanceof z.ZodOptional) return schemaAt(schema.unwrap(), path, value);
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const chosen = schema.options.find((option) => z.object({ driver: variantOf(option) }).safeParse(value).success);
    return chosen === undefined ? undefined : schemaAt(chosen, path, value);
  }
  if (schema instanceof z.ZodUnion && isMap(value))
    return schemaAt(
      schema.options.find((option) => option instanceof z.ZodObject),
      path,
      value,
    );
  const [segment, ...rest] = path;
  if (segment === undefined) return schema;
  if (schema instanceof z.ZodUnion) return schemaAt(variantFor(schema, value), path, value);
  const inner = valueAt(value, [segment]);
  if (schema instanceof z.ZodObject) return schemaAt(schema.shape[segment], rest, inner);
  if (schema instanceof z.ZodRecord) return schemaAt(schema.valueType, rest, inner);
  if (schema instanceof z.ZodArray) return schemaAt(schema.element, rest, inner);
  return undefined;
}

/** Of variants told apart by being a map, a list or neither, the one that `value` is; undefined where it is none or neither. */
function variantFor(schema: unknown, value: unknown): z.ZodType | undefined {
  if (!(schema instanceof z.ZodUnion) || value === null || typeof value !== "object") return undefined;
  const wanted = Array.isArray(value) ? z.ZodArray : z.ZodObject;
  return schema.options.find((option): option is z.ZodType => option instanceof wanted);
}

const variantOf = (option: unknown): z.ZodType =>
  option instanceof z.ZodObject && option.shape.driver instanceof z.ZodLiteral ? option.shape.driver : z.never();

const legalKeysAt = (path: FleetPath, root: unknown): readonly string[] => {
  const schema = schemaAt(fleetSource, path, root);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
};
