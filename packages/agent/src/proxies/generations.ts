import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readDocument, writeFileDurably } from "@sluice/runtime";
import { z } from "zod";
import { parseProxyChildId } from "./child-ids.ts";

const counter = z.strictObject({ last: z.int().nonnegative() });

/**
 * The next generation for a proxy process, recorded before it is used: an id is never given twice, so that logs, folders and
 * orders of an earlier process are never taken for those of a later one. A lost record is made up for by what is in sight.
 */
export async function nextGeneration(runDir: string, childIds: readonly string[]): Promise<number> {
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const file = join(runDir, "generations.json");
  const read = await readDocument(file, counter);
  const seen = [...childIds, ...(await readdir(runDir))].map((id) => parseProxyChildId(id)?.generation ?? 0);
  const last = Math.max(read.kind === "ok" ? read.document.last : 0, ...seen);
  await writeFileDurably(file, `${JSON.stringify({ last: last + 1 })}\n`);
  return last + 1;
}
