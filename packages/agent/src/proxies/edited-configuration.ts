import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { UnitKey } from "@sluice/core";
import { readProxyState } from "@sluice/proxy/control/proxy-state";
import { processFiles } from "@sluice/proxy/haproxy/process-files";
import { renderConfig } from "@sluice/proxy/haproxy/render-haproxy";
import { parseProxyProcess } from "@sluice/proxy/settings/parse-proxy-process";
import { sha256Text, writeFileDurably } from "@sluice/runtime";
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
    const found = await Promise.all(proxies.map((proxy) => this.#editedOf(proxy)));
    return found.flat();
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
    return [...settings, ...(await compare(proxy, processFiles(proxy.folder).config, render))];
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
