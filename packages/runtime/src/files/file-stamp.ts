import { type BigIntStats, statSync } from "node:fs";

/**
 * What the file system tells of a file without reading it. The same stamp later means the same content: replacing a file gives it
 * another inode, and the time of its last change can't be put back by hand. `absent` when there is none or it can't be looked at.
 * Synchronous, because a look of some microseconds costs ten times as much on another thread.
 */
export function fileStamp(path: string): string {
  try {
    return stampText(statSync(path, { bigint: true }));
  } catch {
    return stampText(undefined);
  }
}

/** The stamp of a file of which this is known; `absent` when nothing is. */
export const stampText = (stats: Pick<BigIntStats, "ino" | "size" | "mtimeNs" | "ctimeNs"> | undefined): string =>
  stats === undefined ? "absent" : `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
