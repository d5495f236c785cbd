import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Problem } from "@sluice/core/problems/problem";

/** Only the owner may read: state holds tokens and commands. */
const privateMode = 0o600;

/**
 * Replaces `path` by `text`: afterwards, even after a power cut, it holds either all of the old or all of the new text.
 * Rejects with `disk-full` when there is no room; whatever the failure, the old file is untouched.
 */
export async function writeFileDurably(path: string, text: string, mode: number = privateMode): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeAndSync(temporary, text, mode);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asDiskFull(error, path);
  }
}

async function writeAndSync(path: string, text: string, mode: number): Promise<void> {
  await using file: FileHandle = await open(path, "wx", mode);
  await file.chmod(mode);
  await file.writeFile(text, "utf8");
  await file.sync();
}

/** Makes names created in or removed from `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle: FileHandle = await open(folder, "r");
  await handle.sync();
}

/** `disk-full` for the codes that mean it, the error itself otherwise. */
export function asDiskFull(error: unknown, path: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new Problem("disk-full", `cannot write file '${path}': no space left`, {
    hint: `df -h ${dirname(path)}`,
    cause: error,
  });
}
