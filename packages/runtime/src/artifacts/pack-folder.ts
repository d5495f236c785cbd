import { createWriteStream, type Stats } from "node:fs";
import { lstat, readdir, readlink, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Problem } from "@sluice/core/problems/problem";
import { Pack } from "tar";
import { sha256File } from "../digests/sha256.ts";
import { asDiskFull } from "../files/durable-file.ts";
import { completeMark } from "./complete-mark.ts";
import { linkStaysInside } from "./entry-rules.ts";

export interface PackedArtifact {
  readonly file: string;
  /** `sha256:<hex>` of the tarball. */
  readonly digest: string;
  readonly bytes: number;
}

/** Hard links are packed as files of their own: which of them came first must not matter. */
class NoLinks extends Map<string, string> {
  override get(): undefined {
    return undefined;
  }
}

/**
 * Packs a folder into the gzipped tarball `file`. Equal content gives equal bytes: entries are sorted, owners and times are left
 * out, permissions are reduced to "may be executed". Throws `release-invalid` for what a release can't hold: sockets, devices,
 * links that lead outside.
 */
export async function packFolder(dir: string, file: string): Promise<PackedArtifact> {
  const entries = await listEntries(dir);
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const pack = new Pack({
      cwd: dir,
      gzip: { level: 6 },
      portable: true,
      strict: true,
      noDirRecurse: true,
      mtime: new Date(0),
      jobs: 1,
      linkCache: new NoLinks() as unknown as Map<`${number}:${number}`, string>,
      onWriteEntry: (entry) => {
        if (entry.stat !== undefined) entry.stat.mode = normalMode(entry.stat);
      },
    });
    for (const entry of entries) pack.add(`./${entry}`);
    pack.end();
    await pipeline(
      pack as unknown as AsyncIterable<Uint8Array>,
      createWriteStream(temporary, { mode: 0o600, flush: true }),
    );
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw asDiskFull(error, file);
  }
  const { size } = await lstat(file);
  return { file, digest: await sha256File(file), bytes: size };
}

function normalMode(stat: Stats): number {
  if (stat.isDirectory()) return 0o755;
  return stat.mode & 0o100 ? 0o755 : 0o644;
}

/** Every path below `dir`, folders before what is in them, in an order that no locale changes. */
async function listEntries(dir: string, below = ""): Promise<readonly string[]> {
  const found = await readdir(join(dir, below), { withFileTypes: true });
  found.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  const paths: string[] = [];
  for (const entry of found) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (path === completeMark) continue;
    if (entry.isSymbolicLink()) await assertLinkStaysInside(dir, path);
    else if (!entry.isFile() && !entry.isDirectory())
      throw notPackable(dir, path, "it is neither file, folder nor link");
    paths.push(path);
    if (entry.isDirectory()) paths.push(...(await listEntries(dir, path)));
  }
  return paths;
}

async function assertLinkStaysInside(dir: string, path: string): Promise<void> {
  const target = await readlink(join(dir, path));
  if (!linkStaysInside(path, target)) throw notPackable(dir, path, `it is a link that may lead outside: ${target}`);
}

function notPackable(dir: string, path: string, why: string): Problem {
  return new Problem("release-invalid", `cannot pack '${path}' of folder '${dir}': ${why}`);
}
