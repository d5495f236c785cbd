import { open, stat } from "node:fs/promises";
import { join } from "node:path";

/** Enough to hold any five lines worth quoting. */
const tailBytesMax = 8192;
const lineCharactersMax = 200;

export const logFile = (dataDir: string, childId: string): string => join(dataDir, "logs", `${childId}.log`);

/** How much a child's log holds now; 0 when there is none. */
export async function logSize(dataDir: string, childId: string): Promise<number> {
  const found = await stat(logFile(dataDir, childId)).catch(() => undefined);
  return found?.size ?? 0;
}

/** The last `count` lines that are not empty and were written after `offset`; a log that was rotated since is read from its begin. */
export async function logTail(
  dataDir: string,
  childId: string,
  offset: number,
  count: number,
): Promise<readonly string[]> {
  try {
    await using file = await open(logFile(dataDir, childId), "r");
    const { size } = await file.stat();
    const begin = size < offset ? 0 : offset;
    const from = Math.max(begin, size - tailBytesMax);
    const buffer = Buffer.alloc(size - from);
    await file.read(buffer, 0, buffer.length, from);
    const lines = buffer
      .toString("utf8")
      .split("\n")
      .map((line) => line.trim().slice(0, lineCharactersMax));
    return lines.filter((line) => line !== "").slice(-count);
  } catch {
    return [];
  }
}
