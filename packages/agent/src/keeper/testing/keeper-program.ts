import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const entryOfKeeper = "main.mjs";

/** Writes a folder with a keeper as it is, under another version. `before` is what it does before it keeps anything: fail, for example. */
export async function writeKeeperProgram(dir: string, version: string, before = ""): Promise<string> {
  const folder = join(dir, `keeper-${version}`);
  await mkdir(folder, { recursive: true });
  const text = `
import { useCompileCache } from ${JSON.stringify(import.meta.resolve("@sluice/runtime/programs/use-compile-cache"))};
useCompileCache();
const { runKeeper } = await import(${JSON.stringify(new URL("../main.ts", import.meta.url).href)});
const [command, ...args] = process.argv.slice(2);
if (command !== "keeper") throw new Error("it is a keeper and nothing else");
let version = ${JSON.stringify(version)};
if (!args.includes("--version")) {
  ${before}
}
await runKeeper(args, version);
`;
  await writeFile(join(folder, entryOfKeeper), text);
  return folder;
}
