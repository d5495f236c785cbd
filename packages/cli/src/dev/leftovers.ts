import { existsSync, readFileSync } from "node:fs";
import { readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { stampOf } from "@sluice/agent/keeper/process-stamp";
import { Problem } from "@sluice/core";
import { endProcess, isRunning, readRecordedProcesses } from "./child-processes.ts";
import { stopHost } from "./stop-host.ts";

/** Lies in every data folder that a dev fleet made, so that none other is ever emptied; names the process that owns it. */
const markerFile = "sluice-dev-fleet.json";

/** Marks a folder as that of a dev fleet which the process `pid` runs. */
export async function markDevFolder(dir: string, pid: number): Promise<void> {
  await writeFile(join(dir, markerFile), `${JSON.stringify({ pid, stamp: stampOf(pid) ?? "" })}\n`);
}

/** Whether the process that runs the dev fleet in `dir` still lives. */
export function isOwned(dir: string): boolean {
  try {
    const read: { readonly pid?: unknown; readonly stamp?: unknown } = JSON.parse(
      readFileSync(join(dir, markerFile), "utf8"),
    );
    return (
      typeof read.pid === "number" && typeof read.stamp === "string" && isRunning({ pid: read.pid, stamp: read.stamp })
    );
  } catch {
    return false;
  }
}

/**
 * Ends everything that a dev fleet in `dir` left running, by recorded pid and start time. Answers with the names of what
 * was ended. Safe to repeat; content when there is nothing.
 */
export async function endLeftovers(dir: string): Promise<readonly string[]> {
  const left = readRecordedProcesses(dir).filter(isRunning);
  // Agents first: they would start a keeper again.
  for (const process of left) await endProcess(process, "SIGTERM");
  const hosts = await readdir(join(dir, "hosts")).catch(() => []);
  await Promise.all(hosts.map((host) => stopHost(join(dir, "hosts", host))));
  return left.map((process) => process.name);
}

/** Makes room for a new dev fleet. Throws `usage-invalid` where one runs, and for a folder that holds anything else. */
export async function emptyDevFolder(dir: string): Promise<void> {
  if (isOwned(dir)) {
    throw new Problem("usage-invalid", `cannot use the folder '${dir}' for a dev fleet: one runs there`, {
      hint: "stop that one first, or name another folder with --dir FOLDER",
    });
  }
  const names = await readdir(dir).catch(() => []);
  if (names.length > 0 && !existsSync(join(dir, markerFile))) {
    throw new Problem("usage-invalid", `cannot use the folder '${dir}' for a dev fleet: it holds something else`, {
      hint: "name an empty or absent one with --dir FOLDER",
    });
  }
  await rm(dir, { recursive: true, force: true });
}

/** Ends what is left in every folder with this path prefix whose owner is gone. Answers with the names of what was ended. */
export async function endAbandoned(prefix: string): Promise<readonly string[]> {
  const parent = dirname(prefix);
  const names = (await readdir(parent).catch(() => [])).filter((name) => name.startsWith(basename(prefix)));
  const ended: string[] = [];
  for (const name of names) {
    const dir = join(parent, name);
    if (existsSync(join(dir, markerFile)) && !isOwned(dir)) ended.push(...(await endLeftovers(dir)));
  }
  return ended;
}
