import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { processFiles } from "@sluice/proxy/haproxy/process-files";
import { renderConfig, renderFiles } from "@sluice/proxy/haproxy/render-haproxy";
import type { ProxyProcess } from "@sluice/proxy/settings/process-settings";
import { readDocument, writeFileDurably } from "@sluice/runtime";
import { fileStamp } from "@sluice/runtime/files/file-stamp";
import { z } from "zod";
import { type GivenCertificates, givenSchema } from "../certificates/give-certificates.ts";

const keptFiles = z.strictObject({
  /** Text by name, of everything that does not change while the process is there. */
  files: z.record(z.string(), z.string()),
  /** Of an HAProxy, while it accepts and while it does not. */
  config: z.strictObject({ accepting: z.string(), waiting: z.string() }).exactOptional(),
  given: givenSchema.exactOptional(),
});
/** What was written for a process beside its settings when it was started. */
export type KeptFiles = z.infer<typeof keptFiles>;

export interface Written {
  readonly settings: string;
  /** Absent of processes that an older agent started. */
  readonly kept?: KeptFiles;
}

/** What was written for every proxy process when it was started, kept beside the agent's own memory to compare it with. */
export class WrittenFiles {
  readonly #folder: string;
  /** By child: the running process is compared with them every half minute, and they hardly ever change. */
  readonly #maps = new Map<string, { readonly stamp: string; readonly maps: KeptFiles["files"] }>();

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "agent", "proxy-settings");
  }

  async keep(childId: string, settings: string, kept: KeptFiles): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(this.#filesFile(childId), `${JSON.stringify(kept)}\n`);
    await writeFileDurably(this.settingsFile(childId), settings);
  }

  /** Undefined when nothing is known of it. */
  async read(childId: string): Promise<Written | undefined> {
    const settings = await readFile(this.settingsFile(childId), "utf8").catch(() => undefined);
    if (settings === undefined) return undefined;
    const kept = await readDocument(this.#filesFile(childId), keptFiles);
    return { settings, ...(kept.kind === "ok" ? { kept: kept.document } : {}) };
  }

  /** Texts by name, of the maps among what was kept; empty when nothing is known of them. */
  async maps(childId: string): Promise<KeptFiles["files"]> {
    const stamp = fileStamp(this.#filesFile(childId));
    const known = this.#maps.get(childId);
    if (known?.stamp === stamp) return known.maps;
    const files = Object.entries((await this.read(childId))?.kept?.files ?? {});
    const maps = Object.fromEntries(files.filter(([name]) => name.endsWith(".map")));
    this.#maps.set(childId, { stamp, maps });
    return maps;
  }

  /** Forgets those of processes that are gone. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    for (const childId of this.#maps.keys()) if (!known.has(childId)) this.#maps.delete(childId);
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!known.has(name.replace(/(\.files)?\.json$/, ""))) await rm(join(this.#folder, name), { force: true });
    }
  }

  settingsFile(childId: string): string {
    return join(this.#folder, `${childId}.json`);
  }

  #filesFile(childId: string): string {
    return join(this.#folder, `${childId}.files.json`);
  }
}

/** Everything that is written for a process of this folder and stays as it is. */
export function keptFilesOf(folder: string, process: ProxyProcess, given: GivenCertificates | undefined): KeptFiles {
  const certificates = given === undefined ? {} : { given };
  if (process.settings.engine !== "haproxy") return { files: {}, ...certificates };
  const { config, slotMap } = processFiles(folder);
  const waiting = { accepting: false, slots: { live: "hold" } } as const;
  const texts = [...renderFiles(folder, process, waiting)].filter(([path]) => path !== config && path !== slotMap);
  return {
    files: Object.fromEntries(texts.map(([path, text]) => [basename(path), text])),
    config: {
      accepting: renderConfig(folder, process, { accepting: true }, "inherited"),
      waiting: renderConfig(folder, process, { accepting: false }, "inherited"),
    },
    ...certificates,
  };
}
