import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "../world.ts";

/** Where a coordinator listens when nobody says otherwise. */
export const defaultCoordinatorAddress = "127.0.0.1:7420";

/** Where a running `sluice dev` leaves its address, below the working folder. */
export const devFileName = join(".sluice", "dev.json");

/** `--coordinator`, else SLUICE_COORDINATOR, else the dev fleet of this folder, else the default. */
export async function findCoordinatorAddress(world: World, option: string | undefined): Promise<string> {
  return (
    option ??
    nonEmpty(world.env["SLUICE_COORDINATOR"]) ??
    (await devFleetAddress(world.cwd)) ??
    defaultCoordinatorAddress
  );
}

async function devFleetAddress(cwd: string): Promise<string | undefined> {
  try {
    const written: unknown = JSON.parse(await readFile(join(cwd, devFileName), "utf8"));
    if (typeof written !== "object" || written === null || !("coordinator" in written)) return undefined;
    return typeof written.coordinator === "string" ? nonEmpty(written.coordinator) : undefined;
  } catch {
    return undefined;
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
