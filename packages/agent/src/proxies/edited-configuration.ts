import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProxySeen, UnitKey } from "@sluice/core";
import { canonicalJson } from "@sluice/core/units/canonical-json";
import { type ProxyState, readProxyState, writeProxyState } from "@sluice/proxy/control/proxy-state";
import { processFiles } from "@sluice/proxy/haproxy/process-files";
import { renderConfig } from "@sluice/proxy/haproxy/render-haproxy";
import { resolveSlots } from "@sluice/proxy/haproxy/resolve-slots";
import { editedMaps, restoreMap } from "@sluice/proxy/haproxy/running-maps";
import { formatSlotMap, slotMapOf } from "@sluice/proxy/haproxy/slot-map";
import { parseProxyProcess } from "@sluice/proxy/settings/parse-proxy-process";
import { sha256Text, writeFileDurably } from "@sluice/runtime";
import type { CertificateCopies } from "../certificates/certificate-copies.ts";
import { type GivenCertificates, givenFiles, manifestOf, manifestText } from "../certificates/give-certificates.ts";
import { digestWords } from "../drift/digest-words.ts";
import { stampOf } from "../drift/file-stamps.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import type { Written, WrittenFiles } from "./written-files.ts";

/** A proxy process, and the folder that it is configured in. */
export interface ConfiguredProxy {
  readonly unit: UnitKey;
  readonly childId: string;
  readonly folder: string;
  readonly isHaproxy: boolean;
  /** What it says of itself; absent while it does not answer. */
  readonly says?: Pick<ProxySeen, "accepting" | "draining" | "slots">;
  /** The process that says so. */
  readonly pid?: number;
}

/** What a file has to hold; asked again when it is put back, for it follows from what the process was ordered last. */
type Wanted = ReadonlyMap<string, { readonly text: string; readonly also?: string }>;

interface Sound {
  readonly paths: readonly string[];
  readonly stamp: string;
  readonly says: string;
}

/** Compares the files by which proxy processes are configured, and maps of those that run, with what was written for them. */
export class EditedConfiguration {
  readonly #written: WrittenFiles;
  readonly #copies: CertificateCopies;
  /** By child: what was found as it has to be is read again only when the file system or the process says that it changed. */
  readonly #sound = new Map<string, Sound>();

  constructor(written: WrittenFiles, copies: CertificateCopies) {
    this.#written = written;
    this.#copies = copies;
  }

  /**
   * Everything that differs: what a process that crashes would come back with, and what it goes by now. Of processes that an older
   * agent started less is known. What is put back in files is in force with the next start or reload; users notice nothing.
   */
  async find(proxies: readonly ConfiguredProxy[]): Promise<readonly FoundDrift[]> {
    for (const id of this.#sound.keys()) if (!proxies.some(({ childId }) => childId === id)) this.#sound.delete(id);
    const found = await Promise.all(proxies.map((proxy) => this.#findIn(proxy)));
    return found.flat();
  }

  async #findIn(proxy: ConfiguredProxy): Promise<readonly FoundDrift[]> {
    const inProcess = await this.#findInProcess(proxy);
    if (await this.#isSound(proxy)) return inProcess;
    const written = await this.#written.read(proxy.childId);
    if (written === undefined) return [];
    const state = await editedState(proxy);
    const wanted = await this.#wanted(proxy, written);
    const paths = [...wanted.keys(), stateFile(proxy)];
    const stamp = await stampOf(paths);
    const edited = [];
    for (const path of wanted.keys()) edited.push(...(await this.#compare(proxy, path, wanted)));
    const found = [...state, ...edited];
    if (found.length === 0) this.#sound.set(proxy.childId, { paths, stamp, says: wordOf(proxy) });
    return [...found, ...inProcess];
  }

  async #isSound(proxy: ConfiguredProxy): Promise<boolean> {
    const known = this.#sound.get(proxy.childId);
    return known !== undefined && known.says === wordOf(proxy) && (await stampOf(known.paths)) === known.stamp;
  }

  async #wanted(proxy: ConfiguredProxy, written: Written): Promise<Wanted> {
    const { folder, isHaproxy } = proxy;
    const { settings, kept } = written;
    const wanted = new Map<string, { text: string; also?: string }>([
      [join(folder, "settings.json"), { text: settings }],
    ]);
    for (const [name, text] of Object.entries(kept?.files ?? {})) wanted.set(join(folder, name), { text });
    if (kept?.given !== undefined) {
      wanted.set(manifestOf(folder), { text: manifestText(kept.given) });
      for (const [path, text] of await this.#certificates(proxy, kept.given)) wanted.set(path, { text });
    }
    if (!isHaproxy) return wanted;
    const state = stateOf(proxy);
    if (state === undefined) return wanted;
    const { config, slotMap } = processFiles(folder);
    const process = parseProxyProcess(settings, this.#written.settingsFile(proxy.childId));
    const now = renderConfig(folder, process, state, "inherited");
    const before = state.accepting ? kept?.config?.accepting : kept?.config?.waiting;
    // An order that an agent of another version has carried out is written in that version's words.
    wanted.set(config, { text: before ?? now, also: now });
    if (process.kind === "site-proxy" && kept !== undefined && proxy.says !== undefined) {
      wanted.set(slotMap, { text: formatSlotMap(slotMapOf(await resolveSlots(state.slots))) });
    }
    return wanted;
  }

  async #certificates({ folder, isHaproxy }: ConfiguredProxy, { certificates }: GivenCertificates) {
    const texts: [string, string][] = [];
    for (const [name, { digest }] of Object.entries(certificates)) {
      const pair = await this.#copies.read(digest);
      if (pair === undefined) continue;
      const { certFile, keyFile } = givenFiles(folder, name);
      texts.push([certFile, pair.cert], [keyFile, pair.key]);
      if (isHaproxy) texts.push([processFiles(folder).certificate(name), `${pair.cert.trim()}\n${pair.key.trim()}\n`]);
    }
    return texts;
  }

  async #compare(proxy: ConfiguredProxy, path: string, all: Wanted): Promise<readonly FoundDrift[]> {
    const wanted = all.get(path);
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (wanted === undefined || (text !== undefined && (text === wanted.text || text === wanted.also))) return [];
    const heal = async (): Promise<void> => {
      const written = await this.#written.read(proxy.childId);
      const again = written === undefined ? undefined : (await this.#wanted(proxy, written)).get(path);
      if (again !== undefined) await writeFileDurably(path, again.text);
    };
    return [edited(proxy.unit, path, sha256Text(wanted.text), text === undefined ? undefined : sha256Text(text), heal)];
  }

  async #findInProcess(proxy: ConfiguredProxy): Promise<readonly FoundDrift[]> {
    if (!proxy.isHaproxy || proxy.says === undefined) return [];
    const maps = await this.#written.maps(proxy.childId);
    const wanted = new Map(Object.entries(maps).map(([name, text]) => [join(proxy.folder, name), text]));
    const { masterSocket } = processFiles(proxy.folder);
    const found = await editedMaps(masterSocket, wanted, proxy.pid).catch(() => []);
    return found.map(({ path, found: text }) => {
      const expected = wanted.get(path) ?? "";
      const heal = () => restoreMap(masterSocket, path, expected);
      return edited(proxy.unit, `${path} in the running process`, sha256Text(expected), sha256Text(text), heal);
    });
  }
}

/** What a process was ordered last: by its own word, else by its file, if that can be read. */
function stateOf(proxy: ConfiguredProxy): ProxyState | undefined {
  const { says } = proxy;
  if (says !== undefined) return { accepting: says.accepting, slots: says.slots };
  const read = readProxyState(stateFile(proxy));
  return read.remark === undefined ? read.state : undefined;
}

/** What a process would resume after a crash is not what it was ordered. */
async function editedState(proxy: ConfiguredProxy): Promise<readonly FoundDrift[]> {
  const { says, unit } = proxy;
  if (says === undefined || says.draining) return [];
  const path = stateFile(proxy);
  const read = readProxyState(path);
  const ordered: ProxyState = { accepting: says.accepting, slots: says.slots };
  const inFile = await resolved(read.state);
  const expected = canonicalJson(await resolved(ordered));
  if (read.remark === undefined && canonicalJson(inFile) === expected) return [];
  const text = await readFile(path, "utf8").catch(() => undefined);
  const heal = () => writeProxyState(path, ordered);
  return [edited(unit, path, sha256Text(expected), text === undefined ? undefined : sha256Text(text), heal)];
}

/** Names of slots' hosts may be written in two ways. */
async function resolved(state: ProxyState): Promise<ProxyState> {
  return { ...state, slots: await resolveSlots(state.slots).catch(() => state.slots) };
}

const stateFile = ({ folder }: ConfiguredProxy): string => join(folder, "state.json");

const wordOf = ({ says }: ConfiguredProxy): string => JSON.stringify(says ?? {});

function edited(
  about: UnitKey,
  where: string,
  expected: string,
  found: string | undefined,
  heal: () => Promise<void>,
): FoundDrift {
  return {
    kind: "configuration-edited",
    about,
    where,
    expected: digestWords(expected),
    found: digestWords(found),
    heal,
  };
}
