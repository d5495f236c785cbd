import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { extract, list, type ReadEntry } from "tar";
import { sha256File } from "../digests/sha256.ts";
import { asDiskFull, syncFolder, writeFileDurably } from "../files/durable-file.ts";
import { completeMark } from "./complete-mark.ts";
import { whyEntryEscapes } from "./entry-rules.ts";

export interface UnpackLimits {
  /** Of all files together, unpacked. */
  readonly bytesMax: number;
  readonly entriesMax: number;
}

/** Far above any real site, far below what would fill a disk unnoticed. */
const limitsDefault: UnpackLimits = { bytesMax: 4 * 1024 ** 3, entriesMax: 500_000 };
/** Files synced at once. */
const syncBatch = 32;

/** Whether `destDir` holds all of the artifact `digest`. */
export async function isUnpacked(destDir: string, digest: string): Promise<boolean> {
  const mark = await readFile(join(destDir, completeMark), "utf8").catch(() => undefined);
  return mark?.trim() === digest;
}

/**
 * Unpacks a tarball into `destDir`, which is there afterwards with all of it or not at all, also after a kill or a power cut.
 * Content with that digest already there is left alone. Before anything is written, throws `artifact-digest-mismatch`,
 * `artifact-truncated` (not a whole gzipped tarball), `artifact-path-escape` (an entry that could touch anything outside) or
 * `release-invalid` (beyond the limits); `disk-full` when there is no room.
 */
export async function unpackArtifact(
  file: string,
  digest: string,
  destDir: string,
  limits: UnpackLimits = limitsDefault,
): Promise<void> {
  const before = underWay.get(destDir) ?? Promise.resolve();
  const mine = before.catch(() => undefined).then(() => unpack(file, digest, destDir, limits));
  underWay.set(destDir, mine);
  try {
    await mine;
  } finally {
    if (underWay.get(destDir) === mine) underWay.delete(destDir);
  }
}

/** The newest unpacking per folder: those for one folder go one after another. */
const underWay = new Map<string, Promise<void>>();

async function unpack(file: string, digest: string, destDir: string, limits: UnpackLimits): Promise<void> {
  if (await isUnpacked(destDir, digest)) return;
  await assertDigest(file, digest);
  await inspect(file, limits);
  await mkdir(dirname(destDir), { recursive: true });
  await removeLeftovers(destDir);
  const temporary = `${destDir}.unpacking-${process.pid}`;
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true, mode: 0o755 });
    await write(file, temporary);
    await syncTree(temporary);
    await writeFileDurably(join(temporary, completeMark), `${digest}\n`, 0o644);
    await rm(destDir, { recursive: true, force: true });
    await rename(temporary, destDir);
    await syncFolder(dirname(destDir));
  } catch (error) {
    // Writes that were under way may still put files in it: what is left is removed by the next try, and why this one failed is told.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw asDiskFull(error, destDir);
  }
}

async function assertDigest(file: string, digest: string): Promise<void> {
  const found = await sha256File(file);
  if (found === digest) return;
  throw new Problem("artifact-digest-mismatch", `cannot unpack '${file}': its digest is ${found}, expected ${digest}`, {
    hint: "fetch the artifact again",
  });
}

/** Reads the whole tarball without writing anything. */
async function inspect(file: string, limits: UnpackLimits): Promise<void> {
  let bytes = 0;
  let entries = 0;
  let refusal: Problem | undefined;
  const look = (entry: ReadEntry) => {
    bytes += entry.size;
    entries += 1;
    const why = whyEntryEscapes({ path: entry.path, type: entry.type, linkpath: entry.linkpath });
    if (why !== undefined) {
      refusal ??= new Problem(
        "artifact-path-escape",
        `cannot unpack '${file}': entry '${entry.path}' is refused, ${why}`,
      );
    }
    if (bytes > limits.bytesMax || entries > limits.entriesMax) {
      refusal ??= new Problem(
        "release-invalid",
        `cannot unpack '${file}': it holds more than ${limits.entriesMax} entries or ${limits.bytesMax} bytes`,
      );
    }
    entry.resume();
  };
  try {
    await list({ file, strict: true, onReadEntry: look });
  } catch (error) {
    throw refusal ?? truncated(file, error);
  }
  if (refusal !== undefined) throw refusal;
  if (entries === 0) throw truncated(file, new Error("it has no entries"));
}

function truncated(file: string, cause: unknown): Problem {
  return new Problem("artifact-truncated", `cannot unpack '${file}': it is not a whole gzipped tarball`, { cause });
}

/** The rules are applied once more while writing; writing through a link is refused by the library, as an error in strict mode. */
async function write(file: string, dir: string): Promise<void> {
  let refusal: Problem | undefined;
  try {
    await extract({
      file,
      cwd: dir,
      strict: true,
      preserveOwner: false,
      preservePaths: false,
      noMtime: true,
      umask: 0o022,
      filter: (path, entry) => {
        const known = entry as ReadEntry;
        const why = whyEntryEscapes({ path, type: known.type, linkpath: known.linkpath });
        if (why !== undefined)
          refusal ??= new Problem(
            "artifact-path-escape",
            `cannot unpack '${file}': entry '${path}' is refused, ${why}`,
          );
        if (known.mode !== undefined) known.mode &= 0o755;
        return why === undefined && path.replace(/^\.\//, "") !== completeMark;
      },
    });
  } catch (error) {
    throw refusal ?? asWriteProblem(file, error);
  }
  if (refusal !== undefined) throw refusal;
}

function asWriteProblem(file: string, error: unknown): unknown {
  const name = error instanceof Error ? error.name : "";
  const tarCode = error instanceof Error && "tarCode" in error ? error.tarCode : undefined;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (name === "SymlinkError" || tarCode === "TAR_SYMLINK_ERROR" || code === "TAR_ENTRY_ERROR") {
    return new Problem("artifact-path-escape", `cannot unpack '${file}': an entry lies behind a link`, {
      cause: error,
    });
  }
  return error;
}

/** Everything below `dir`, files first, each folder after what is in it. */
async function syncTree(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(dir, entry.name));
  for (let at = 0; at < files.length; at += syncBatch) await Promise.all(files.slice(at, at + syncBatch).map(syncFile));
  for (const entry of entries) if (entry.isDirectory()) await syncTree(join(dir, entry.name));
  await syncFolder(dir);
}

async function syncFile(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

/** What earlier unpackings of the same artifact left when they were killed. */
async function removeLeftovers(destDir: string): Promise<void> {
  const prefix = `${basename(destDir)}.unpacking-`;
  for (const name of await readdir(dirname(destDir))) {
    if (!name.startsWith(prefix) || isAlive(Number(name.slice(prefix.length)))) continue;
    await rm(join(dirname(destDir), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
