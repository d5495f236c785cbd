import { readFile, rename, writeFile } from "node:fs/promises";
import { fileStamp } from "@sluice/runtime/files/file-stamp";
import { z } from "zod";
import { type AccumulatedCounts, isSameButProbes } from "./accumulated-counts.ts";

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
  #known:
    | { readonly stamp: string; readonly written: AccumulatedCounts; readonly counts: AccumulatedCounts }
    | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when there is none, or one that can't be read: counting then begins anew, which its `startedAt` shows. */
  async read(): Promise<AccumulatedCounts | undefined> {
    if (this.#isOurs(this.#known)) return this.#known.counts;
    try {
      return accumulated.parse(JSON.parse(await readFile(this.#path, "utf8")));
    } catch {
      return undefined;
    }
  }

  /**
   * Whole or not at all. Outlives its writer; not the machine, with which all workers end as well, so it is not worth an fsync. What
   * only probes have changed waits until something else has: a host at rest writes nothing.
   */
  async write(counts: AccumulatedCounts): Promise<void> {
    if (this.#isOurs(this.#known) && isSameButProbes(this.#known.written, counts)) {
      this.#known = { ...this.#known, counts };
      return;
    }
    const temporary = `${this.#path}.tmp`;
    await writeFile(temporary, JSON.stringify(counts), { mode: 0o600 });
    await rename(temporary, this.#path);
    this.#known = { stamp: fileStamp(this.#path), written: counts, counts };
  }

  #isOurs<Known extends { readonly stamp: string }>(known: Known | undefined): known is Known {
    return known !== undefined && known.stamp === fileStamp(this.#path);
  }
}
