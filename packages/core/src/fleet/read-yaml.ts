import {
  type Alias,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from "yaml";
import { type FleetPath, type FleetProblem, formatPath } from "./fleet-problem.ts";
import { createLinePlaces } from "./line-places.ts";

/** A place in a file, both counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A value read from YAML together with where it was written. */
export interface Located {
  readonly value: unknown;
  readonly at: Place;
  /** Where its key was written; absent in lists and at the top. */
  readonly keyAt?: Place;
  /** Members of a map or items of a list (by index); absent for scalars. */
  readonly children?: ReadonlyMap<string, Located>;
}

export interface ReadYaml {
  readonly root: Located | undefined;
  readonly problems: readonly FleetProblem[];
}

/** Thousands of hosts fit; a file beyond it is a mistake or an attack. */
const textLengthMax = 4_000_000;
/** Bounds what aliases can multiply a small file into. */
const valuesMax = 200_000;
/** One slip makes many complaints of the parser; the first ones are the telling ones. */
const syntaxProblemsMax = 20;
/** Far deeper than the shape of a fleet file, far less than the stack. */
const depthMax = 64;

/** Reads one file. Never throws: whatever is wrong with the text is a problem with its place. `root` is absent for an empty file. */
export function readYaml(file: string, text: string): ReadYaml {
  const top: Place = { file, line: 1, column: 1 };
  if (text.length > textLengthMax) {
    return failed(top, `the file has ${text.length} characters, wanted at most ${textLengthMax}`);
  }
  if (nestsDeeperThan(text, depthMax)) {
    return failed(top, `the file nests deeper than ${depthMax} levels`);
  }
  try {
    return readDocuments(file, text);
  } catch (cause) {
    return failed(top, `the file can't be read as YAML (${cause instanceof Error ? cause.name : "unknown failure"})`);
  }
}

const failed = (at: Place, sentence: string): ReadYaml => ({
  root: undefined,
  problems: [{ ...at, path: "", sentence }],
});

/**
 * Cheap upper bound on nesting, asked before the parser, whose recursion would end in a full stack:
 * open brackets count as levels of flow style, a line's indicators and indentation as levels of block style.
 */
function nestsDeeperThan(text: string, levels: number): boolean {
  let open = 0;
  for (const character of text) {
    if (character === "[" || character === "{") open += 1;
    else if (character === "]" || character === "}") open = Math.max(0, open - 1);
    if (open > levels * 4) return true;
  }
  return new RegExp(`^(?:[ ]*[-?:][ ]+){${levels},}`, "m").test(text);
}

function readDocuments(file: string, text: string): ReadYaml {
  const linePlace = createLinePlaces(text);
  const documents = [...parseAllDocuments(text, { uniqueKeys: false, prettyErrors: false })];
  const placeAt = (offset: number): Place => ({ file, ...linePlace(offset) });
  const [first, second] = documents;
  const problems: FleetProblem[] = documents.flatMap((document) =>
    [...document.errors, ...document.warnings].slice(0, syntaxProblemsMax).map((error) => ({
      ...placeAt(error.pos[0]),
      path: "",
      sentence: `not valid YAML: ${lowerFirst(error.message)}`,
    })),
  );
  if (second !== undefined) {
    const at = placeAt(second.range?.[0] ?? 0);
    problems.push({
      ...at,
      path: "",
      sentence: "a second document starts here, wanted one",
      hint: "remove the line ---",
    });
  }
  if (problems.length > 0 || first === undefined || first.contents === null) return { root: undefined, problems };
  const reader = createReader(
    placeAt,
    remembered((alias) => alias.resolve(first)),
  );
  const root = reader.read(first.contents as ParsedNode, []);
  const empty = root.value === null;
  return { root: empty ? undefined : root, problems: reader.problems };
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Finding an anchor walks the document, and a bomb asks for the same few again and again. */
function remembered(resolve: (alias: Alias) => Node | undefined): (alias: Alias) => Node | undefined {
  const known = new Map<Alias, Node | undefined>();
  return (alias) => {
    if (!known.has(alias)) known.set(alias, resolve(alias));
    return known.get(alias);
  };
}

interface Reader {
  readonly problems: FleetProblem[];
  read(node: Node | null, path: FleetPath): Located;
}

interface Reading {
  readonly problems: FleetProblem[];
  readonly placeOf: (node: Node) => Place;
  readonly resolve: (alias: Alias) => Node | undefined;
  /** Anchored nodes being read: meeting one again is a cycle. */
  readonly open: Set<Node>;
  count: number;
}

function createReader(placeAt: (offset: number) => Place, resolve: (alias: Alias) => Node | undefined): Reader {
  const reading: Reading = {
    problems: [],
    placeOf: (node) => placeAt(node.range?.[0] ?? 0),
    resolve,
    open: new Set(),
    count: 0,
  };
  return { problems: reading.problems, read: (node, path) => readNode(reading, node, path, placeAt(0)) };
}

function readNode(reading: Reading, node: Node | null, path: FleetPath, parent: Place): Located {
  if (node === null) return { value: null, at: parent };
  const at = reading.placeOf(node);
  reading.count += 1;
  if (reading.count > valuesMax) {
    if (reading.count === valuesMax + 1)
      complain(reading, at, path, `the file holds more than ${valuesMax} values, aliases written out`);
    return { value: null, at };
  }
  if (reading.open.has(node)) return refused(reading, at, path, "an alias refers to something that contains it");
  reading.open.add(node);
  try {
    return readOpened(reading, node, path, at);
  } finally {
    reading.open.delete(node);
  }
}

function readOpened(reading: Reading, node: Node, path: FleetPath, at: Place): Located {
  if (path.length > depthMax) return refused(reading, at, path, `nested deeper than ${depthMax} levels`);
  if (isAlias(node)) {
    const target = reading.resolve(node);
    if (target === undefined)
      return refused(reading, at, path, `no anchor is named '${node.source}' before this alias`);
    return readNode(reading, target, path, at);
  }
  if (isMap(node)) return readMap(reading, node.items, path, at);
  if (isSeq(node)) return readList(reading, node.items, path, at);
  if (isScalar(node) && (node.value === null || ["string", "number", "boolean"].includes(typeof node.value))) {
    return { value: node.value, at };
  }
  return refused(reading, at, path, "a YAML type that fleet files don't use");
}

function readList(reading: Reading, items: readonly unknown[], path: FleetPath, at: Place): Located {
  const children = new Map<string, Located>();
  for (const [index, item] of items.entries()) {
    const child = isPair(item)
      ? refused(reading, at, [...path, index], "a YAML type that fleet files don't use")
      : readNode(reading, item as Node | null, [...path, index], at);
    children.set(String(index), child);
  }
  return { value: [...children.values()].map((child) => child.value), at, children };
}

function readMap(
  reading: Reading,
  pairs: readonly { key: unknown; value: unknown }[],
  path: FleetPath,
  at: Place,
): Located {
  const children = new Map<string, Located>();
  for (const pair of pairs) {
    const keyNode = pair.key as Node | null;
    const keyAt = keyNode === null ? at : reading.placeOf(keyNode);
    if (!isScalar(keyNode) || !["string", "number", "boolean"].includes(typeof keyNode.value)) {
      complain(reading, keyAt, path, "a key is not a plain name");
      continue;
    }
    const key = keyOf(keyNode);
    const earlier = children.get(key);
    if (key === "__proto__") complain(reading, keyAt, path, "unknown key '__proto__'");
    else if (earlier !== undefined) {
      complain(
        reading,
        keyAt,
        [...path, key],
        `the key '${key}' appears twice, first in line ${earlier.keyAt?.line ?? at.line}`,
      );
    } else children.set(key, { ...readNode(reading, pair.value as Node | null, [...path, key], keyAt), keyAt });
  }
  return { value: Object.fromEntries([...children].map(([key, child]) => [key, child.value])), at, children };
}

/** The key as written, so that `080` and `1e2` stay what a reader sees. */
const keyOf = (key: { readonly value: unknown; readonly source?: string | undefined }): string =>
  typeof key.value === "string" ? key.value : (key.source ?? String(key.value));

function complain(reading: Reading, at: Place, path: FleetPath, sentence: string): void {
  reading.problems.push({ ...at, path: formatPath(path), sentence });
}

function refused(reading: Reading, at: Place, path: FleetPath, sentence: string): Located {
  complain(reading, at, path, sentence);
  return { value: null, at };
}
