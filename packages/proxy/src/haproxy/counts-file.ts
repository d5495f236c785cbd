import { readFile, rename, writeFile } from "node:fs/promises";
import { fileStamp } from "@sluice/runtime/files/file-stamp";
import { z } from "zod";
import type { AccumulatedCounts } from "./accumulated-counts.ts";

const record = z.record(z.string(), z.number());
const workerCounts = z.strictObject({ answers: record, unreachable: record, refused: record });
const accumulated = z.strictObject({
  startedAt: z.number(),
  gone: workerCounts,
  workers: z.record(z.string(), workerCounts),
});

/**
 * What the workers of a process counted, in a file that outlives whoever reads them. What was written here last is not read again as
 * long as the file is that one: another agent may have gone on meanwhile.
 */
export class CountsFile {
  readonly #path: string;
  #known: { readonly stamp: string; readonly counts: AccumulatedCounts } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when there is none, or one that can't be read: counting then begins anew, which its `startedAt` shows. */
  async read(): Promise<AccumulatedCounts | undefined> {
    if (this.#known !== undefined && this.#known.stamp === fileStamp(this.#path)) return this.#known.counts;
    try {
      return accumulated.parse(JSON.parse(await readFile(this.#path, "utf8")));
    } catch {
      return undefined;
    }
  }

  /** Whole or not at all. Outlives its writer; not the machine, with which all workers end as well, so it is not worth an fsync. */
  async write(counts: AccumulatedCounts): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    await writeFile(temporary, JSON.stringify(counts), { mode: 0o600 });
    await rename(temporary, this.#path);
    this.#known = { stamp: fileStamp(this.#path), counts };
  }
}
