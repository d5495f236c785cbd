import { createHash } from "node:crypto";
import { readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "@sluice/core";
import { linkStaysInside } from "@sluice/runtime/artifacts/entry-rules";
import { create } from "tar";

export interface PackedRelease {
  readonly tarball: Buffer;
  /** `sha256:<hex>` of the tarball. */
  readonly digest: string;
}

/**
 * Packs a folder as a gzipped tarball. Equal content gives equal bytes: names are sorted, and owners, modes of the
 * machine and times are left out, so that pushing the same folder twice is recognised as the same release.
 */
export async function packRelease(folder: string): Promise<PackedRelease> {
  const found = await stat(folder).catch((cause: unknown) => {
    throw new Problem("release-invalid", `cannot pack the folder '${folder}'`, { cause });
  });
  if (!found.isDirectory()) throw new Problem("release-invalid", `cannot pack '${folder}': it is not a folder`);
  const chunks: Buffer[] = [];
  const options = { cwd: folder, gzip: { level: 9 }, portable: true, noMtime: true, noDirRecurse: true } as const;
  for await (const chunk of create(options, await entriesOf(folder))) chunks.push(chunk);
  const tarball = Buffer.concat(chunks);
  return { tarball, digest: `sha256:${createHash("sha256").update(tarball).digest("hex")}` };
}

async function entriesOf(folder: string): Promise<string[]> {
  const names = [...(await namesBelow(folder))].sort();
  if (names.length === 0) throw new Problem("release-invalid", `cannot pack the folder '${folder}': it is empty`);
  return names;
}

/** Links are packed as links, and nothing of what lies behind them: `node_modules` leads back to the packages of a workspace. */
async function namesBelow(folder: string, below = ""): Promise<readonly string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const name = join(below, entry.name);
    names.push(name);
    if (entry.isSymbolicLink()) await assertStaysInside(folder, name);
    else if (entry.isDirectory()) names.push(...(await namesBelow(folder, name)));
  }
  return names;
}

/** A host refuses it; better now than there. */
async function assertStaysInside(folder: string, name: string): Promise<void> {
  const target = await readlink(join(folder, name));
  if (linkStaysInside(name, target)) return;
  throw new Problem(
    "release-invalid",
    `cannot pack '${name}' of folder '${folder}': it is a link that may lead outside: ${target}`,
    {
      hint: "put a copy of what it leads to in its place, or make it lead there from within the folder",
    },
  );
}
