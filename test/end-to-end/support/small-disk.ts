import { execFile } from "node:child_process";
import { cp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A folder on a file system of its own that can be filled to the last byte. */
export interface SmallDisk extends AsyncDisposable {
  fill(): Promise<void>;
  clear(): Promise<void>;
}

/** Why there is no small disk on this machine. */
export interface NoSmallDisk {
  readonly why: string;
}

const size = "1m";

/**
 * Puts a small file system in the place of `folder`, with what is in it. Needs Linux and the right to mount. Nothing may use the
 * folder meanwhile; disposing puts what is there then back onto the large one.
 */
export async function mountSmallDisk(folder: string): Promise<SmallDisk | NoSmallDisk> {
  const aside = `${folder}.aside`;
  await cp(folder, aside, { recursive: true, filter: isNoSocket });
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "none", folder]);
  } catch (error) {
    await rm(aside, { recursive: true });
    return { why: `a tmpfs can't be mounted here: ${error instanceof Error ? error.message.trim() : String(error)}` };
  }
  await cp(aside, folder, { recursive: true });
  const filler = join(folder, "filler");
  return {
    fill: () => fillUp(filler),
    clear: () => rm(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      await rm(filler, { force: true });
      await rm(aside, { recursive: true });
      await cp(folder, aside, { recursive: true, filter: isNoSocket });
      // Detached at once, even where the kernel still lets go of a killed agent's socket.
      await run("umount", ["-l", folder]);
      await cp(aside, folder, { recursive: true });
      await rm(aside, { recursive: true });
    },
  };
}

const isNoSocket = (path: string): boolean => !path.endsWith(".sock");

/** Writes until not one more byte fits. */
async function fillUp(path: string): Promise<void> {
  await using file = await open(path, "w");
  for (let bytes = 64 * 1024; bytes >= 1; ) {
    try {
      await file.write(Buffer.alloc(bytes, "x"));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
      bytes = Math.floor(bytes / 2);
    }
  }
}
