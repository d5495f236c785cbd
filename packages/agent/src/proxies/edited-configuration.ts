import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { UnitKey } from "@sluice/core";
import { readProxyState } from "@sluice/proxy/control/proxy-state";
import { configOf } from "@sluice/proxy/haproxy/process-files";
import { renderConfig } from "@sluice/proxy/haproxy/render-haproxy";
import { parseProxyProcess } from "@sluice/proxy/settings/parse-proxy-process";
import { sha256Text, writeFileDurably } from "@sluice/runtime";
import { fileStamp } from "@sluice/runtime/files/file-stamp";
import { digestWords } from "../drift/digest-words.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";

/** A proxy process, and the folder that it is configured in. */
export interface ConfiguredProxy {
  readonly unit: UnitKey;
  readonly childId: string;
  readonly folder: string;
  readonly isHaproxy: boolean;
}

/** What was written for every proxy process when it was started, kept beside the agent's own memory to compare it with. */
export class WrittenSettings {
  readonly #folder: string;
  /** By process: the stamps of its files when they were last found to be as they have to be. */
  readonly #right = new Map<string, string>();

  constructor(dataDir: string) {
    this.#folder = join(dataDir, "agent", "proxy-settings");
  }

  async keep(childId: string, text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(this.#file(childId), text);
  }

  /** Forgets those of processes that are gone. */
  async sweep(known: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!known.has(name.replace(/\.json$/, ""))) await rm(join(this.#folder, name), { force: true });
    }
  }

  /**
   * Files that differ from what they have to be, which is what a process that crashes would come back with. Of processes that an
   * older agent started nothing is known. What is put back is in force with the next start or reload; users notice nothing.
   */
  async edited(proxies: readonly ConfiguredProxy[]): Promise<readonly FoundDrift[]> {
    const found = await Promise.all(proxies.map((proxy) => this.#editedSince(proxy)));
    const present = new Set(proxies.map(({ childId }) => childId));
    for (const childId of this.#right.keys()) if (!present.has(childId)) this.#right.delete(childId);
    return found.flat();
  }

  /** Files that the file system says are the same ones as before are not read again. */
  async #editedSince(proxy: ConfiguredProxy): Promise<readonly FoundDrift[]> {
    const stamps = this.#stampsOf(proxy);
    if (this.#right.get(proxy.childId) === stamps) return [];
    const found = await this.#editedOf(proxy);
    if (found.length === 0) this.#right.set(proxy.childId, stamps);
    else this.#right.delete(proxy.childId);
    return found;
  }

  #stampsOf({ childId, folder }: ConfiguredProxy): string {
    const own = [join(folder, "settings.json"), join(folder, "state.json"), configOf(folder)];
    return [this.#file(childId), ...own].map(fileStamp).join(" ");
  }

  async #editedOf(proxy: ConfiguredProxy): Promise<readonly FoundDrift[]> {
    const written = await readFile(this.#file(proxy.childId), "utf8").catch(() => undefined);
    if (written === undefined) return [];
    const settings = await compare(proxy, join(proxy.folder, "settings.json"), () => written);
    if (!proxy.isHaproxy) return settings;
    const process = parseProxyProcess(written, this.#file(proxy.childId));
    const state = join(proxy.folder, "state.json");
    if (readProxyState(state).remark !== undefined) return settings;
    const render = () => renderConfig(proxy.folder, process, readProxyState(state).state, "inherited");
    return [...settings, ...(await compare(proxy, configOf(proxy.folder), render))];
  }

  #file(childId: string): string {
    return join(this.#folder, `${childId}.json`);
  }
}

async function compare({ unit }: ConfiguredProxy, path: string, wanted: () => string): Promise<readonly FoundDrift[]> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  const expected = wanted();
  if (text === expected) return [];
  return [
    {
      kind: "configuration-edited",
      about: unit,
      where: path,
      expected: digestWords(sha256Text(expected)),
      found: digestWords(text === undefined ? undefined : sha256Text(text)),
      // Asked again: what it has to be follows from what the process was ordered last.
      heal: () => writeFileDurably(path, wanted()),
    },
  ];
}
