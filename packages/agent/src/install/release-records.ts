import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { UnitRelease } from "@sluice/core";
import { unitReleaseSchema } from "@sluice/core/intent/intent-schema";
import { readDocument, syncFolder, writeFileDurably } from "@sluice/runtime";
import { hexOf } from "./site-content.ts";

/** Unit releases below `dataDir/releases`, one JSON file each; written last, so that a record means "complete". */
export class ReleaseRecords {
  readonly #folder: string;
  /** What was read, by file name: records never change. */
  readonly #known = new Map<string, UnitRelease>();

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "releases");
  }

  async write(release: UnitRelease): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(this.#file(release.digest), `${JSON.stringify(release)}\n`);
  }

  /** Every record that can be read. One that can't is as good as none: the release is then installed again. */
  async all(): Promise<readonly UnitRelease[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const files = names.filter((name) => /^[0-9a-f]{64}\.json$/.test(name)).sort();
    const found = await Promise.all(files.map((name) => this.#read(name)));
    return found.filter((release) => release !== undefined);
  }

  async remove(digest: string): Promise<void> {
    this.#known.delete(`${hexOf(digest)}.json`);
    await rm(this.#file(digest), { force: true });
    await syncFolder(this.#folder);
  }

  async #read(name: string): Promise<UnitRelease | undefined> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const read = await readDocument(join(this.#folder, name), unitReleaseSchema);
    if (read.kind !== "ok" || `${hexOf(read.document.digest)}.json` !== name) return undefined;
    this.#known.set(name, read.document);
    return read.document;
  }

  #file(digest: string): string {
    return join(this.#folder, `${hexOf(digest)}.json`);
  }
}
