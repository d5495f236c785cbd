import { cpus } from "node:os";
import { execa } from "execa";
import { type Tools, toolPath } from "../tools/required-tools.ts";

/** Where the proxy that is measured runs, and nothing else. */
export const proxyCore = 0;
/** Where load and slots run. On a machine with one core they disturb the proxy. */
export const loadCore = Math.min(1, cpus().length - 1);

/** Moves running processes with all their threads; what they start later follows. */
export async function pin(tools: Tools, pids: readonly number[], core: number): Promise<void> {
  for (const pid of pids) {
    await execa(toolPath(tools, "taskset"), ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)]);
  }
}

/** A command that runs on one core from its beginning. */
export function pinned(tools: Tools, core: number, command: readonly string[]): readonly [string, ...string[]] {
  return [toolPath(tools, "taskset"), "--cpu-list", String(core), ...command];
}
