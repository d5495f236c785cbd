import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Longest data folder whose unix sockets stay below 104 bytes, with room for the names of hosts and processes. */
const folderBytesMax = 42;

/** A temporary folder with a short name: that of macOS is too long for unix sockets. */
export const shortTmpdir = (): string => (tmpdir().length > 20 ? "/tmp" : tmpdir());

/** `--dir`, else `.sluice/dev` of the working folder, else a temporary folder of its own when that is too long. */
export function devFolder(cwd: string, option: string | undefined): string {
  if (option !== undefined) return resolve(cwd, option);
  const near = join(cwd, ".sluice", "dev");
  if (Buffer.byteLength(near) <= folderBytesMax) return near;
  return join(shortTmpdir(), `sluice-dev-${createHash("sha256").update(cwd).digest("hex").slice(0, 8)}`);
}
