import { findProgram } from "@sluice/runtime/programs/find-program";
import { execa } from "execa";

/** A program the benchmark starts, the Debian package that brings it, and how it tells its version. */
interface RequiredTool {
  readonly name: string;
  readonly debianPackage: string;
  readonly versionArguments: readonly string[];
}

const requiredTools: readonly RequiredTool[] = [
  { name: "haproxy", debianPackage: "haproxy", versionArguments: ["-v"] },
  { name: "nginx", debianPackage: "nginx-light", versionArguments: ["-v"] },
  { name: "caddy", debianPackage: "caddy", versionArguments: ["version"] },
  { name: "wrk", debianPackage: "wrk", versionArguments: ["-v"] },
  { name: "h2load", debianPackage: "nghttp2-client", versionArguments: ["--version"] },
  { name: "openssl", debianPackage: "openssl", versionArguments: ["version"] },
  { name: "taskset", debianPackage: "util-linux", versionArguments: ["--version"] },
];

/** Absolute paths by name. */
export type Tools = ReadonlyMap<string, string>;

export type FoundTools =
  | { readonly kind: "complete"; readonly tools: Tools }
  | { readonly kind: "missing"; readonly sentence: string };

/** Looks in `searchPath` (as PATH) and in the usual folders. */
export function findTools(searchPath: string): FoundTools {
  const tools = new Map<string, string>();
  for (const { name } of requiredTools) {
    const path = findProgram(name, searchPath);
    if (path !== undefined) tools.set(name, path);
  }
  const missing = requiredTools.filter(({ name }) => !tools.has(name));
  return missing.length === 0
    ? { kind: "complete", tools }
    : { kind: "missing", sentence: sentenceOfMissing(missing.map(({ name }) => name)) };
}

/** The path of a tool that was found. */
export function toolPath(tools: Tools, name: string): string {
  const path = tools.get(name);
  if (path === undefined) throw new Error(`no tool '${name}' was looked for`);
  return path;
}

/** The first line with a version in it, by the tool's name. */
export async function versionsOf(tools: Tools): Promise<Readonly<Record<string, string>>> {
  const versions = requiredTools.map(async ({ name, versionArguments }) => {
    const { all } = await execa(toolPath(tools, name), versionArguments, { all: true, reject: false });
    return [name, all.split("\n").find((line) => /\d/.test(line)) ?? "unknown"] as const;
  });
  return { node: process.version, ...Object.fromEntries(await Promise.all(versions)) };
}

/** What to say and to install when these tools are not there. */
export function sentenceOfMissing(names: readonly string[]): string {
  const packages = requiredTools.filter(({ name }) => names.includes(name)).map(({ debianPackage }) => debianPackage);
  return `cannot measure without ${names.join(", ")}\n  apt-get install --no-install-recommends ${packages.join(" ")}`;
}
