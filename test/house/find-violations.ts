import { layers } from "./layers.ts";

export interface SourceFile {
  /** Path from the top of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly sentence: string;
}

const importPattern = /(?:from|import)\s*\(?\s*["']([^"']+)["']/;

/** Imports that cross a layer the wrong way, I/O in core, clocks and chance outside their ports, all of core in an agent. */
export function findViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) => [...lineViolations(file), ...weightViolations(file)]);
}

const lineViolations = ({ path, text }: SourceFile): readonly Violation[] =>
  text.split("\n").flatMap((line, index) =>
    [...layerViolations(path, line), ...callViolations(path, line)].map((sentence) => ({
      path,
      line: index + 1,
      sentence,
    })),
  );

const wholePackage = /^import (?!type\b)[^;]*? from "(@sluice\/(?:core|protocol))";/gm;

/** What runs in an agent: types cost nothing, anything else brings all that the package has. */
function weightViolations({ path, text }: SourceFile): readonly Violation[] {
  if (isTest(path) || !/^packages\/(agent|protocol|proxy|runtime)\/|^packages\/cli\/src\/roots\//.test(path)) return [];
  return [...text.matchAll(wholePackage)].map(({ 1: name, index }) => ({
    path,
    line: text.slice(0, index).split("\n").length,
    sentence: `import values from the file that has them, '${name}/…': an agent keeps all it loads in memory, for months`,
  }));
}

function layerViolations(path: string, line: string): readonly string[] {
  const from = packageOf(path);
  const specifier = importPattern.exec(line)?.[1];
  const layer = from === undefined ? undefined : layers[from];
  if (from === undefined || layer === undefined || specifier === undefined) return [];
  if (from === "core" && specifier.startsWith("node:") && !isTest(path)) {
    return [`core must not import ${specifier}: core does no I/O; take what it gives as an argument`];
  }
  const to = /^@sluice\/([a-z]+)/.exec(specifier)?.[1] ?? packageReachedBy(path, specifier);
  if (to === undefined || to === from || layer.mayImport.includes(to)) return [];
  if (isTest(path) && layers[to] !== undefined && to !== "test" && to !== "cli") return [];
  const allowed = layer.mayImport.length === 0 ? "nothing of ours" : layer.mayImport.join(", ");
  return [`${from} must not import ${to}: ${layer.reason}; it may import ${allowed}`];
}

interface Forbidden {
  readonly pattern: RegExp;
  readonly where: (path: string) => boolean;
  readonly sentence: string;
}

const forbidden: readonly Forbidden[] = [
  {
    pattern:
      /\bDate\.now\(|\bnew Date\(\)|\bTemporal\.Now\b|\bMath\.random\(|\bcrypto\.randomUUID\(|\bperformance\.now\(/,
    where: (path) => path.startsWith("packages/core/"),
    sentence:
      "core must not read clocks or chance: time, ids and randomness are arguments, so that the simulator decides them",
  },
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bTemporal\.Now\b|\bMath\.random\(/,
    where: (path) => /^packages\/(coordinator|agent)\//.test(path) && !path.endsWith("/main.ts"),
    sentence: "read time and chance through runtime's Clock and Ids, so that tests decide them",
  },
  {
    pattern: /\bconsole\.(log|error|warn|info)\(/,
    where: (path) => /^packages\/(core|protocol|runtime)\//.test(path),
    sentence: "libraries throw or return, only programs log",
  },
];

function callViolations(path: string, line: string): readonly string[] {
  if (isTest(path) || /^\s*(\/\/|\*|\/\*)/.test(line)) return [];
  return forbidden.filter((rule) => rule.where(path) && rule.pattern.test(line)).map((rule) => rule.sentence);
}

function packageOf(path: string): string | undefined {
  if (path.startsWith("test/")) return "test";
  return /^packages\/([a-z]+)\//.exec(path)?.[1];
}

function packageReachedBy(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const folder = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") folder.pop();
    else if (part !== ".") folder.push(part);
  }
  return packageOf(folder.join("/"));
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts") || path.includes("/testing/") || path.startsWith("test/");
}
