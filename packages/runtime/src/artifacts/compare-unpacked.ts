import { lstat, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { extract, list, type ReadEntry } from "tar";
import { sha256File, sha256Stream } from "../digests/sha256.ts";
import { syncFolder } from "../files/durable-file.ts";
import { completeMark } from "./complete-mark.ts";

/** A file of an artifact that is not on disk as it was packed. */
export interface ChangedFile {
  /** Below the folder that it was unpacked to. */
  readonly path: string;
  /** `sha256:<hex>` of its content. */
  readonly expected: string;
  /** The same of what is there; undefined: no file is. */
  readonly found: string | undefined;
}

export interface Comparison {
  /** Every file of the artifact. */
  readonly paths: readonly string[];
  readonly changed: readonly ChangedFile[];
}

/**
 * Compares the files of a tarball with what they were unpacked to, content by content. Files that are there besides are none
 * of the artifact's business: sites write logs and caches. Rejects when the tarball can't be read.
 */
export async function compareUnpacked(tarball: string, dir: string): Promise<Comparison> {
  const packed = await digestsIn(tarball);
  const changed: ChangedFile[] = [];
  for (const [path, expected] of packed) {
    const found = await digestOf(join(dir, path));
    if (found !== expected) changed.push({ path, expected, found });
  }
  return { paths: [...packed.keys()], changed };
}

/** Puts single files back as they were packed, each by a rename: whoever has the file open keeps what it has. */
export async function restoreUnpacked(tarball: string, dir: string, paths: readonly string[]): Promise<void> {
  const temporary = await mkdtemp(`${dir}.restoring-`);
  try {
    const wanted = new Set(paths);
    await extract({
      ...{ file: tarball, cwd: temporary, strict: true, preserveOwner: false, preservePaths: false },
      ...{ noMtime: true, umask: 0o022 },
      filter: (path) => wanted.has(plain(path)),
    });
    for (const path of paths) await replace(join(temporary, path), join(dir, path));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function replace(from: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const inTheWay = await lstat(target).catch(() => undefined);
  if (inTheWay?.isDirectory() === true) await rm(target, { recursive: true });
  await rename(from, target);
  await syncFolder(dirname(target));
}

const plain = (path: string): string => path.replace(/^\.\//, "");

async function digestsIn(tarball: string): Promise<ReadonlyMap<string, string>> {
  const digests: Promise<readonly [string, string]>[] = [];
  const look = (entry: ReadEntry): void => {
    const path = plain(entry.path);
    if ((entry.type !== "File" && entry.type !== "OldFile") || path === completeMark) entry.resume();
    else digests.push(sha256Stream(entry as AsyncIterable<Uint8Array>).then((digest) => [path, digest] as const));
  };
  await list({ file: tarball, strict: true, onReadEntry: look });
  return new Map(await Promise.all(digests));
}

/** Only a plain file has one: a link in its place is no file of the artifact. */
async function digestOf(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true ? sha256File(path) : undefined;
}
