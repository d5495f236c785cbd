import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import type { ChildSpec } from "./keeper-api.ts";

/** A log larger than this becomes `<id>.log.1` when the child is started the next time. */
const logBytesMax = 10 * 1024 * 1024;
/** What a program needs to find others and to speak the host's language; everything else comes with the order. */
const inherited = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER"];

export interface SpawnPlace {
  readonly id: string;
  readonly logsDir: string;
  /** Become fd 3, 4, …; ours stay open. */
  readonly fds: readonly number[];
}

/**
 * Starts a process in a session of its own, so that it outlives us; its output goes to a file, because a pipe would die with us.
 * Resolves once it runs; throws `spawn-failed` when the command can't be started.
 */
export async function spawnChild(spec: ChildSpec, place: SpawnPlace): Promise<ChildProcess & { readonly pid: number }> {
  const log = openLogFile(place.logsDir, place.id);
  try {
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: { ...baseEnv(), ...spec.env },
      detached: true,
      stdio: ["ignore", log ?? "ignore", log ?? "ignore", ...place.fds],
    });
    await started(child);
    return child as ChildProcess & { readonly pid: number };
  } catch (error) {
    throw new Problem("spawn-failed", `cannot start child '${place.id}': ${spec.command} in ${spec.cwd}`, {
      cause: error,
    });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

function baseEnv(): Record<string, string> {
  return Object.fromEntries(
    inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** Undefined when there is no way to log: traffic matters more than its log. */
function openLogFile(dir: string, id: string): number | undefined {
  const path = join(dir, `${id}.log`);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) renameSync(path, `${path}.1`);
    return openSync(path, "a", 0o600);
  } catch {
    return undefined;
  }
}
