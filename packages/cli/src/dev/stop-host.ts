import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { keeperSocketOf } from "@sluice/agent/keeper/ensure-keeper-running";
import { openKeeper } from "@sluice/agent/keeper/keeper-client";
import { keeperState } from "@sluice/agent/keeper/keeper-state";
import { stampOf } from "@sluice/agent/keeper/process-stamp";
import { endProcess } from "./child-processes.ts";

/** Nobody uses a dev fleet that is being stopped. */
const childGraceMs = 1000;

/**
 * Stops the keeper of a host and everything it runs: proxies and slots. Its agent must be gone already, or it would start
 * them again. A keeper that does not answer is stopped by what its state file remembers.
 */
export async function stopHost(hostDir: string): Promise<void> {
  const remembered = await rememberedProcesses(hostDir);
  await askKeeperToClear(hostDir);
  for (const process of remembered) await endProcess(process, "SIGTERM");
}

async function askKeeperToClear(hostDir: string): Promise<void> {
  const keeper = openKeeper(keeperSocketOf(hostDir), { retryForMs: 0 });
  try {
    const status = await keeper.status();
    const stamp = stampOf(status.pid);
    await Promise.all(status.children.map((child) => keeper.removeChild(child.id, childGraceMs)));
    if (stamp !== undefined) await endProcess({ pid: status.pid, stamp }, "SIGTERM");
  } catch {
    // It is gone or hangs; what it remembered is ended by the caller.
  }
}

/** The keeper first, so that it does not start again what was ended. */
async function rememberedProcesses(
  hostDir: string,
): Promise<readonly { readonly pid: number; readonly stamp: string }[]> {
  try {
    const state = keeperState.parse(JSON.parse(await readFile(join(hostDir, "keeper", "state.json"), "utf8")));
    return [state.keeper, ...state.children.flatMap((child) => (child.run === null ? [] : [child.run]))];
  } catch {
    return [];
  }
}
