import type { DurationMs } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { formatDuration } from "@sluice/core/units/time";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import { exitWords, lastWords } from "./exit-words.ts";
import { logSize } from "./log-tail.ts";

export interface OneShot {
  readonly id: string;
  /** For messages: `start command of slot blue of shop`. */
  readonly what: string;
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
  readonly withinMs: DurationMs;
}

/**
 * Runs a command of the user to its end as a child of the keeper, so that it survives us; one that an earlier agent left
 * behind is ended first. Throws when it fails or takes longer than `withinMs`; then nothing of it is left running.
 */
export async function runOneShot(
  keeper: Pick<KeeperClient, "ensureChild" | "waitChild" | "removeChild">,
  dataDir: string,
  shot: OneShot,
): Promise<void> {
  const { id, what, withinMs, command, args, env, cwd } = shot;
  await keeper.removeChild(id, 0);
  const offset = await logSize(dataDir, id);
  try {
    await keeper.ensureChild(id, { command, args, env, cwd, sockets: [], restart: "never" });
    const { exited, child } = await keeper.waitChild(id, withinMs);
    if (exited && child.lastExit?.code === 0) return;
    const words = await lastWords(dataDir, id, offset);
    if (!exited) {
      throw new Problem(
        "deadline-passed",
        `cannot wait longer for the ${what}: still running after ${formatDuration(withinMs)}; ${words}`,
      );
    }
    throw new Problem("spawn-failed", `the ${what} ${exitWords(child.lastExit)}; ${words}`);
  } finally {
    await keeper.removeChild(id, 0);
  }
}
