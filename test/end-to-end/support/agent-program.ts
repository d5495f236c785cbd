/** A version for tests: agent and keeper as they are, under another version than this build's. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startAgent } from "@sluice/agent";
import { createIds, nodeClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";

export const entryOfAgent = "main.mjs";

/** Writes a folder for `sluice agent push`. `before` is what the program does before it is an agent or a keeper: fail, for example. */
export async function writeAgentProgram(dir: string, version: string, before = ""): Promise<string> {
  const folder = join(dir, `agent-${version}`);
  await mkdir(folder, { recursive: true });
  const text = `
if (process.argv.includes("--version")) {
  console.log(${JSON.stringify(version)});
  process.exit(0);
}
${before}
if (process.argv[2] === "keeper") {
  const { runKeeper } = await import(${JSON.stringify(import.meta.resolve("@sluice/agent/keeper/main"))});
  await runKeeper(process.argv.slice(3), ${JSON.stringify(version)});
  await new Promise(() => undefined);
}
const { runAgentProgram } = await import(${JSON.stringify(import.meta.url)});
await runAgentProgram(${JSON.stringify(version)});
`;
  await writeFile(join(folder, entryOfAgent), text);
  return folder;
}

/** What such a program does: `agent run` as the command line has it, under its watchdog. */
export async function runAgentProgram(version: string): Promise<void> {
  process.stdin.on("end", () => process.exit(1)).resume();
  const option = { type: "string", default: "" } as const;
  const { values } = parseArgs({
    allowPositionals: true,
    options: { host: option, data: option, coordinator: option },
  });
  const { SLUICE_AGENT_PROGRAM: digest = "", SLUICE_AGENT_TRIAL: trial = "" } = process.env;
  const agent = await startAgent({
    host: values.host,
    dataDir: values.data,
    coordinator: values.coordinator,
    clock: nodeClock,
    ids: createIds(nodeClock),
    log: openLog({ name: "agent", destination: process.stderr }),
    version,
    watchdog: { digest, ...(trial === "" ? {} : { trial }) },
  });
  process.once("SIGTERM", () => void agent[Symbol.asyncDispose]());
  await agent.done;
  await agent[Symbol.asyncDispose]();
  process.exit(0);
}
