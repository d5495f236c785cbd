import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SlotName } from "@sluice/core";
import { readDocument, syncFolder, writeFileDurably } from "@sluice/runtime";
import { fileStamp } from "@sluice/runtime/files/file-stamp";
import { z } from "zod";

const hook = z.strictObject({ command: z.string(), args: z.array(z.string()) });

const slotRecord = z.strictObject({
  site: z.string(),
  slot: z.enum(["blue", "green"]),
  /** Of the unit release. */
  digest: z.string(),
  version: z.string(),
  host: z.string(),
  port: z.int(),
  driver: z.enum(["process", "external"]),
  /** `starting`: written before anything is started, so that nothing runs that is not recorded. */
  phase: z.enum(["starting", "running"]),
  startedAtMs: z.number(),
  /** Size of the log before this start: what its processes wrote begins here. */
  logOffset: z.int(),
  /** `external` driver only: the commands of this release and what they are run with. */
  start: hook.exactOptional(),
  stop: hook.exactOptional(),
  env: z.record(z.string(), z.string()).exactOptional(),
  cwd: z.string().exactOptional(),
});

/**
 * What we remember of a slot. The keeper knows whether its process lives, but tells nobody its environment;
 * so the address and the release are written here before the process is started, and stay for every respawn.
 */
export type SlotRecord = z.infer<typeof slotRecord>;

export const slotChildId = (site: string, slot: SlotName): string => `slot-${site}-${slot}`;

/** The records below `dataDir/run`, one folder per slot. */
export class SlotRecords {
  readonly #runDir: string;
  /** What was read, by folder: it is asked for with every look at the host and hardly ever changes. */
  readonly #known = new Map<string, { readonly stamp: string; readonly record: SlotRecord }>();

  constructor(dataDir: string) {
    this.#runDir = join(dataDir, "run");
  }

  /** The slot's own folder; also where a release without files of its own is run. */
  folder(site: string, slot: SlotName): string {
    return join(this.#runDir, slotChildId(site, slot));
  }

  /** Undefined when there is none, or none that can be read: then nothing is known about the slot. */
  async read(site: string, slot: SlotName): Promise<SlotRecord | undefined> {
    return this.#readFrom(this.folder(site, slot));
  }

  async write(record: SlotRecord): Promise<void> {
    const folder = this.folder(record.site, record.slot);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await syncFolder(this.#runDir);
    await writeFileDurably(join(folder, "slot.json"), `${JSON.stringify(record)}\n`);
  }

  async forget(site: string, slot: SlotName): Promise<void> {
    this.#known.delete(this.folder(site, slot));
    await rm(this.folder(site, slot), { recursive: true, force: true });
  }

  async all(): Promise<readonly SlotRecord[]> {
    const names = await readdir(this.#runDir).catch(() => []);
    const folders = names.filter((name) => /^slot-.+-(blue|green)$/.test(name)).sort();
    const records = await Promise.all(folders.map((name) => this.#readFrom(join(this.#runDir, name))));
    return records.filter((record) => record !== undefined);
  }

  async #readFrom(folder: string): Promise<SlotRecord | undefined> {
    const file = join(folder, "slot.json");
    const stamp = fileStamp(file);
    const known = this.#known.get(folder);
    if (known?.stamp === stamp) return known.record;
    const read = await readDocument(file, slotRecord);
    if (read.kind !== "ok") return undefined;
    this.#known.set(folder, { stamp, record: read.document });
    return read.document;
  }
}
