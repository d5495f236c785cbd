import { Problem } from "@sluice/core/problems/problem";
import { askWorker, readProcesses } from "./master-cli.ts";
import type { ProcessFiles } from "./process-files.ts";
import type { SlotMap } from "./slot-map.ts";

/** One word of a command: a space in it has to be marked. */
export const cliWord = (word: string): string => word.replaceAll(/[\\ ;]/g, "\\$&");

/**
 * Puts a slot map in force in every worker, old ones included: they still send on what their idle clients ask next. The file
 * has to hold it already, so that a worker that starts in the meantime has it from there.
 */
export async function switchSlots({ masterSocket, slotMap }: ProcessFiles, map: SlotMap): Promise<void> {
  const told = new Set<number>();
  for (;;) {
    const { workers } = await readProcesses(masterSocket);
    const untold = workers.filter(({ pid }) => !told.has(pid));
    if (untold.length === 0) return;
    for (const { pid } of untold) {
      await tell(masterSocket, pid, slotMap, map);
      told.add(pid);
    }
  }
}

async function tell(masterSocket: string, pid: number, path: string, map: SlotMap): Promise<void> {
  for (const key of ["blue", "green", "live"] as const) {
    const answer = (await askWorker(masterSocket, pid, `set map ${cliWord(path)} ${key} ${cliWord(map[key])}`)).trim();
    if (answer === "") continue;
    const { workers } = await readProcesses(masterSocket);
    if (!workers.some((worker) => worker.pid === pid)) return;
    throw new Problem("proxy-unreachable", `cannot switch haproxy worker ${pid}: it says: ${answer}`);
  }
}
