import { checkRelations } from "./check-relations.ts";
import { completeFleet } from "./complete-fleet.ts";
import type { Fleet } from "./fleet.ts";
import { type FleetProblem, formatPath } from "./fleet-problem.ts";
import type { FleetSource } from "./fleet-source.ts";
import { locate, mergeFiles } from "./merge-files.ts";
import type { PathProblem } from "./path-problem.ts";
import { type Located, type Place, readYaml } from "./read-yaml.ts";
import { shapeProblems } from "./shape-problems.ts";

export interface FleetFile {
  /** As problems should name it. */
  readonly file: string;
  readonly text: string;
}

export type ParsedFleet =
  | { readonly kind: "ok"; readonly fleet: Fleet }
  /** Never empty; in the order of files, then lines. */
  | { readonly kind: "invalid"; readonly problems: readonly FleetProblem[] };

/**
 * Reads one fleet file, or the files of a folder as if they were one. Everything that is wrong is reported at once,
 * shape and relations alike, each with its place. Never throws, whatever the text.
 */
export function parseFleetFile(files: readonly FleetFile[]): ParsedFleet {
  const read = files.map(({ file, text }) => readYaml(file, text));
  const unreadable = read.flatMap(({ problems }) => problems);
  const roots = read.flatMap(({ root }) => (root === undefined ? [] : [root]));
  if (roots.length === 0) return invalid(files, unreadable.length > 0 ? unreadable : [nothingIn(files)]);
  const merged = mergeFiles(roots, topOf(files));
  const unread = merged.partial || read.some(({ root, problems }) => root === undefined && problems.length > 0);
  const checked = checkMerged(merged.root, unread);
  const problems = [...unreadable, ...merged.problems, ...checked];
  if (problems.length > 0) return invalid(files, problems);
  return { kind: "ok", fleet: completeFleet(merged.root.value as FleetSource) };
}

/** A file that can't be read may hold anything, so that nothing is said about what seems to be missing or unknown. */
function checkMerged(root: Located, unread: boolean): readonly FleetProblem[] {
  const shape = shapeProblems(root.value);
  const damaged = shape.map(({ path }) => path);
  const relations = unread ? [] : checkRelations(root.value, damaged);
  const said = unread ? shape.filter(({ path }) => locate(root, path).complete) : shape;
  return [...said, ...relations].map((problem) => placed(root, problem));
}

function placed(root: Located, { path, sentence, hint, onKey }: PathProblem): FleetProblem {
  const { found, complete } = locate(root, path);
  const at = complete && !onKey ? found.at : (found.keyAt ?? found.at);
  return { ...at, path: formatPath(path), sentence, ...(hint === undefined ? {} : { hint }) };
}

function topOf(files: readonly FleetFile[]): Place {
  return { file: files[0]?.file ?? "fleet.yaml", line: 1, column: 1 };
}

function nothingIn(files: readonly FleetFile[]): FleetProblem {
  const sentence = files.length === 0 ? "there is no fleet file" : "the fleet file is empty";
  return {
    ...topOf(files),
    path: "",
    sentence,
    hint: "start with fleet, environments and sites; see docs/fleet-file.md",
  };
}

function invalid(files: readonly FleetFile[], problems: readonly FleetProblem[]): ParsedFleet {
  const order = new Map(files.map(({ file }, index) => [file, index]));
  const rank = (problem: FleetProblem): number => order.get(problem.file) ?? files.length;
  const sorted = [...problems].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
  return { kind: "invalid", problems: withoutRepeats(sorted) };
}

function withoutRepeats(problems: readonly FleetProblem[]): readonly FleetProblem[] {
  const keyOf = ({ file, line, column, path, sentence }: FleetProblem): string =>
    JSON.stringify([file, line, column, path, sentence]);
  return [...new Map(problems.map((problem) => [keyOf(problem), problem])).values()];
}
