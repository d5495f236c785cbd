import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import type { AccumulatedCounts } from "./accumulated-counts.ts";

const record = z.record(z.string(), z.number());
const workerCounts = z.strictObject({ answers: record, unreachable: record, refused: record });
const accumulated = z.strictObject({
  startedAt: z.number(),
  gone: workerCounts,
  workers: z.record(z.string(), workerCounts),
});

/** Undefined when there is none, or one that can't be read: counting then begins anew, which its `startedAt` shows. */
export async function readCountsFile(path: string): Promise<AccumulatedCounts | undefined> {
  try {
    return accumulated.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** Whole or not at all. Outlives its writer; not the machine, with which all workers end as well, so it is not worth an fsync. */
export async function writeCountsFile(path: string, counts: AccumulatedCounts): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, JSON.stringify(counts), { mode: 0o600 });
  await rename(temporary, path);
}
