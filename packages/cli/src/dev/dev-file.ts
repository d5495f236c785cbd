import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { devFileName } from "../operator/coordinator-address.ts";
import { isRunning } from "./child-processes.ts";

/** What a running `sluice dev` says about itself in `.sluice/dev.json` of its working folder. */
export interface DevFile {
  readonly coordinator: string;
  readonly dir: string;
  readonly fleetFile: string;
  /** The `sluice dev` itself. */
  readonly pid: number;
  readonly stamp: string;
}

/** The file of this working folder; undefined when there is none or it can't be read. */
export function readDevFile(cwd: string): DevFile | undefined {
  try {
    const read: Partial<DevFile> = JSON.parse(readFileSync(join(cwd, devFileName), "utf8"));
    const { coordinator, dir, fleetFile, pid, stamp } = read;
    if (typeof coordinator !== "string" || typeof dir !== "string" || typeof fleetFile !== "string") return undefined;
    if (typeof pid !== "number" || typeof stamp !== "string") return undefined;
    return { coordinator, dir, fleetFile, pid, stamp };
  } catch {
    return undefined;
  }
}

export async function writeDevFile(cwd: string, file: DevFile): Promise<void> {
  const path = join(cwd, devFileName);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(file, undefined, 2)}\n`);
}

export const removeDevFile = (cwd: string): Promise<void> => rm(join(cwd, devFileName), { force: true });

/** Whether the `sluice dev` that wrote the file still runs. */
export const isDevRunning = (file: DevFile): boolean => isRunning(file);
