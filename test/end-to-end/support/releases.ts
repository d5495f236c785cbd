import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packRelease } from "@sluice/cli/operator/pack-release";
import { titleOf } from "./fleet-text.ts";

export type Variant = "good" | "dies" | "fails-public";

const server = fileURLToPath(new URL("site/server.mjs", import.meta.url));

/** Writes the folder of a release, ready for `sluice release push`. */
export async function writeRelease(dir: string, site: string, version: string, variant: Variant): Promise<string> {
  const folder = join(dir, "releases", `${site}-${version}`);
  await mkdir(folder, { recursive: true });
  await copyFile(server, join(folder, "server.mjs"));
  await writeFile(join(folder, "site.json"), JSON.stringify({ title: titleOf(site), variant, version }));
  return folder;
}

export { packRelease };
