import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { Problem } from "@sluice/core";
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
  const names = (await readdir(folder, { recursive: true })).sort();
  if (names.length === 0) throw new Problem("release-invalid", `cannot pack the folder '${folder}': it is empty`);
  return names;
}
