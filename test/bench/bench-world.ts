import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { kill, processesNaming, treeOf } from "./machine/processes.ts";
import type { Measurements } from "./measurements/measurements.ts";
import type { Tools } from "./tools/required-tools.ts";

/** How much is measured. */
export interface Effort {
  readonly rounds: number;
  /** Length of one throughput run. */
  readonly seconds: number;
  readonly switches: number;
  readonly restarts: number;
  readonly engineChanges: number;
  readonly reloads: number;
  /** Changes of each kind that are timed. */
  readonly timedChanges: number;
  readonly siteCounts: readonly number[];
  readonly idleSeconds: number;
}

/** What every suite gets. */
export interface BenchWorld {
  /** Everything the benchmark writes lies in it, and every process it starts names it. */
  readonly dir: string;
  readonly tools: Tools;
  readonly effort: Effort;
  readonly measurements: Measurements;
  /** Whether somebody asked for this measurement; without a choice all of them are. */
  wants(target: string, workload: string): boolean;
  /** One line of progress, for whoever waits. */
  say(sentence: string): void;
  /** Text that belongs to the result. */
  print(text: string): void;
}

/**
 * A folder for all there is. Disposing kills whatever still names it, then removes it, so that an interrupted run leaves nothing.
 * Everybody's temporary folders come to lie in it, because TMPDIR is set to it.
 */
export async function openBenchFolder(): Promise<AsyncDisposable & { readonly dir: string }> {
  // Unix sockets lie below it, so its path has to be short.
  const dir = await mkdtemp(join("/tmp", "sl-bench-"));
  process.env.TMPDIR = dir;
  return {
    dir,
    async [Symbol.asyncDispose]() {
      await killAllNaming(dir);
      await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

/** A process that is being started names nothing for a moment; so one look that finds none is not enough. */
const looksMin = 4;
const lookEveryMs = 50;

async function killAllNaming(dir: string): Promise<void> {
  for (let looks = 0; looks < looksMin; looks += 1) {
    const left = processesNaming(dir);
    // Not all children say whose they are.
    for (const pid of new Set(left.flatMap(treeOf))) kill(pid);
    if (left.length > 0) looks = 0;
    await delay(lookEveryMs);
  }
}
