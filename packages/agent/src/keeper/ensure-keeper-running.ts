import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Problem } from "@sluice/core/problems/problem";
import { type KeeperStatus, keeperStatus } from "./keeper-api.ts";
import { askKeeper } from "./keeper-client.ts";

export interface EnsureKeeperOptions {
  /** The host's data folder. */
  readonly dir: string;
  readonly log?: (event: string, fields: object) => void;
  /** How to start a keeper, asked when there is none; by default this build's own. `--dir DIR` is appended. */
  readonly command?: () => Promise<readonly [string, ...string[]]>;
  readonly withinMs?: number;
}

/**
 * One that ends is told at once. One that does neither is slow: on a machine that is short of everything another start, of a keeper or of
 * the agent that gave it up, would make it slower still.
 */
const withinMsDefault = 60_000;
const askEveryMs = 25;

export const keeperSocketOf = (dir: string): string => join(dir, "keeper", "keeper.sock");
/** The command line of this build's keeper, for a first start and for `handover`. */
export const keeperCommand = (): readonly [string, string] => [
  process.execPath,
  fileURLToPath(new URL("./start.mjs", import.meta.url)),
];

/**
 * Resolves when a keeper answers for `dir`: the one that runs, or a new one that outlives us. Safe to call from several
 * processes at once: keepers settle among themselves who stays. Throws `keeper-unreachable` when none answers in time.
 */
export async function ensureKeeperRunning(options: EnsureKeeperOptions): Promise<KeeperStatus> {
  const { dir, withinMs = withinMsDefault } = options;
  const running = await statusOf(dir);
  if (running !== undefined) return running;
  let ended = await startKeeper(options);
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const status = await statusOf(dir);
    if (status !== undefined) return status;
    const end = ended();
    if (end !== undefined && end !== "0") throw unreachable(dir, `it ended with ${end}`);
    if (end === "0") ended = await startKeeper(options);
    await delay(askEveryMs);
  }
  throw unreachable(dir, `it did not answer within ${withinMs} ms`);
}

async function statusOf(dir: string): Promise<KeeperStatus | undefined> {
  try {
    return await askKeeper(keeperSocketOf(dir), "GET", "/status", keeperStatus, { timeoutMs: 2000 });
  } catch (error) {
    if (error instanceof Problem && (error.reason === "keeper-unreachable" || error.reason === "deadline-passed"))
      return undefined;
    throw error;
  }
}

/** Starts a keeper in a session of its own; the answer tells how it ended, undefined while it runs. */
async function startKeeper({ dir, log, command }: EnsureKeeperOptions): Promise<() => string | undefined> {
  const [program, ...args] = command === undefined ? keeperCommand() : await command();
  mkdirSync(join(dir, "logs"), { recursive: true, mode: 0o700 });
  const output = openSync(join(dir, "logs", "keeper.log"), "a", 0o600);
  const child = spawn(program, [...args, "--dir", dir], { detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  child.unref();
  let failure: string | undefined;
  child.once("error", (error) => {
    failure = error.message;
  });
  log?.("keeper.starting", { dir, pid: child.pid });
  return () => failure ?? child.signalCode ?? (child.exitCode === null ? undefined : String(child.exitCode));
}

function unreachable(dir: string, why: string): Problem {
  return new Problem("keeper-unreachable", `cannot start a keeper for '${dir}': ${why}`, {
    hint: `tail ${join(dir, "logs", "keeper.log")}`,
  });
}
