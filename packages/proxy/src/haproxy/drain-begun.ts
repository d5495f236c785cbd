import { setTimeout as delay } from "node:timers/promises";
import { askWorker, infoValue, readProcesses } from "./master-cli.ts";

const lookEveryMs = 5;
/** A worker hears of it within a millisecond; one that is stopped, or starved, must not hold up the order. */
const withinMs = 2000;

/** Resolves when every worker says that it is stopping, or is gone: the master passes its signal on, and that takes a moment. */
export async function drainBegun(masterSocket: string): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await allStopping(masterSocket)) && performance.now() < end) await delay(lookEveryMs);
}

async function allStopping(masterSocket: string): Promise<boolean> {
  const processes = await readProcesses(masterSocket).catch(() => undefined);
  const stopping = (processes?.workers ?? []).map(({ pid }) => isStopping(masterSocket, pid));
  return (await Promise.all(stopping)).every(Boolean);
}

/** One that does not answer has gone. */
const isStopping = (masterSocket: string, pid: number): Promise<boolean> =>
  askWorker(masterSocket, pid, "show info").then(
    (info) => infoValue(info, "Stopping") !== "0",
    () => true,
  );
