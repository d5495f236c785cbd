import { join } from "node:path";
import type { UnitRelease } from "@sluice/core";
import { programRelease } from "@sluice/core/programs/program-release";
import { sha256Text } from "@sluice/runtime";
import { packFolder } from "@sluice/runtime/artifacts/pack-folder";
import { entryOfKeeper, writeKeeperProgram } from "../keeper/testing/keeper-program.ts";
import type { World } from "./agent-world.ts";

/** A version of the keeper that hosts can fetch; `before` is what it does before it keeps anything. */
export async function pushedKeeper(world: World, version: string, before = ""): Promise<UnitRelease> {
  const folder = await writeKeeperProgram(join(world.dataDir, ".."), version, before);
  const file = `${folder}.tgz`;
  const { digest: artifact } = await packFolder(folder, file);
  world.coordinator.artifacts.set(artifact, file);
  return programRelease("keeper", version, { artifact, entry: entryOfKeeper }, sha256Text);
}
