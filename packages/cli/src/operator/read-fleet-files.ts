import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Problem } from "@sluice/core";
import type { FleetFile } from "@sluice/protocol/generated/sluice/operator/v1/operator";

/** The fleet file, or every `*.yaml` and `*.yml` of a folder in the order of their names. Names stay as the operator typed them. */
export async function readFleetFiles(cwd: string, path: string): Promise<FleetFile[]> {
  const full = resolve(cwd, path);
  const found = await stat(full).catch((cause: unknown) => {
    throw new Problem("fleet-file-invalid", `cannot read the fleet file '${path}'`, {
      cause,
      hint: "name a file or folder with -f FILE_OR_FOLDER",
    });
  });
  if (!found.isDirectory()) return [{ name: path, text: await readFile(full, "utf8") }];
  const names = (await readdir(full)).filter((name) => /\.ya?ml$/.test(name)).sort();
  if (names.length === 0) throw new Problem("fleet-file-invalid", `no *.yaml file in the folder '${path}'`);
  return Promise.all(
    names.map(async (name) => ({ name: join(path, name), text: await readFile(join(full, name), "utf8") })),
  );
}
