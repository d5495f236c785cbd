import { setTimeout as delay } from "node:timers/promises";
import { Problem } from "@sluice/core/problems/problem";
import { askMaster, askWorker, infoValue, readProcesses } from "./master-cli.ts";

const lookEveryMs = 20;
/** A start takes tens of milliseconds; a machine that is starting everything at once takes longer. */
const withinMs = 20_000;

/**
 * Lets the master read its configuration again and resolves when another worker than `previous` answers for itself. That a
 * socket answers says nothing: it keeps answering through the previous worker.
 */
export async function reloadConfirmed(masterSocket: string, previous: number): Promise<void> {
  await askMaster(masterSocket, "reload");
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    const processes = await readProcesses(masterSocket).catch(() => undefined);
    if (processes !== undefined && processes.failedReloads > 0) {
      throw new Problem("proxy-settings-invalid", "cannot reload haproxy: it keeps its previous configuration");
    }
    const next = processes?.workers.find(({ pid, old }) => !old && pid !== previous);
    if (next !== undefined && (await answersItself(masterSocket, next.pid))) return;
    await delay(lookEveryMs);
  }
  throw new Problem("deadline-passed", "cannot reload haproxy: no new worker answered in time");
}

async function answersItself(masterSocket: string, pid: number): Promise<boolean> {
  const info = await askWorker(masterSocket, pid, "show info").catch(() => "");
  return infoValue(info, "Pid") === String(pid);
}
