import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Problem } from "@sluice/core/problems/problem";
import type { SlotTable } from "@sluice/core/proxying/proxy-settings";
import { writeFileDurably } from "@sluice/runtime/files/durable-file";
import { fileStamp } from "@sluice/runtime/files/file-stamp";
import type { ProxyControl } from "../control/control-client.ts";
import type { DrainOrder, ProxyStatus } from "../control/control-messages.ts";
import { readProxyState, writeProxyState } from "../control/proxy-state.ts";
import type { ProxyCounts } from "../counting/proxy-counters.ts";
import { type ProxyProcess, parseSlotTable } from "../settings/process-settings.ts";
import { type AccumulatedCounts, proxyCounts } from "./accumulated-counts.ts";
import { CountsFile } from "./counts-file.ts";
import { drainBegun } from "./drain-begun.ts";
import { findHaproxy } from "./find-haproxy.ts";
import { readProcesses } from "./master-cli.ts";
import { readSettings, settingsFile, writeConfig } from "./prepare-haproxy.ts";
import { type ProcessFiles, processFiles } from "./process-files.ts";
import { readCounts } from "./read-counts.ts";
import { readStatus } from "./read-status.ts";
import { reloadConfirmed } from "./reload-confirmed.ts";
import { resolveSlots } from "./resolve-slots.ts";
import { formatSlotMap, slotMapOf } from "./slot-map.ts";
import { switchSlots } from "./switch-slots.ts";

/** How often a drain looks for the end before its limit. */
const lookEveryMs = 50;

/**
 * The orders of a proxy process, carried out on the haproxy process of a folder from outside. Like the embedded engine, it makes
 * every order durable first. What it knows is in the folder, so another control goes on where this one was.
 */
export function openHaproxyControl(
  dir: string,
  findPath: () => Promise<string> = async () => (await findHaproxy()).path,
): ProxyControl {
  return new HaproxyControl(dir, findPath);
}

class HaproxyControl implements ProxyControl {
  readonly #findPath: () => Promise<string>;
  readonly #dir: string;
  readonly #files: ProcessFiles;
  readonly #counts: CountsFile;
  #orders: Promise<unknown> = Promise.resolve();
  #readings: Promise<unknown> = Promise.resolve();
  /** The newest worker when it was last asked. */
  #worker: number | undefined;
  #known: { readonly stamp: string; readonly process: ProxyProcess } | undefined;

  constructor(dir: string, findPath: () => Promise<string>) {
    this.#findPath = findPath;
    this.#dir = dir;
    this.#files = processFiles(dir);
    this.#counts = new CountsFile(this.#files.counts);
  }

  async status(): Promise<ProxyStatus> {
    const status = await readStatus(this.#files, this.#worker);
    this.#worker = status.pid;
    return status;
  }

  putSlots(table: SlotTable): Promise<ProxyStatus> {
    return this.#inOrder(async () => {
      const parsed = parseSlotTable(table);
      if (!("table" in parsed)) throw new Problem("message-invalid", `cannot put slots: ${parsed.problems.join("; ")}`);
      const process = await readSettings(this.#dir);
      if (process.kind === "front") throw new Problem("message-invalid", "cannot put slots: a front has none");
      const map = slotMapOf(await resolveSlots(parsed.table));
      await writeProxyState(this.#stateFile(), { ...readProxyState(this.#stateFile()).state, slots: parsed.table });
      await writeFileDurably(this.#files.slotMap, formatSlotMap(map));
      await switchSlots(this.#files, map);
      return undefined;
    });
  }

  accept(): Promise<ProxyStatus> {
    return this.#inOrder(async () => {
      const before = await this.status();
      if (before.draining) throw new Problem("verb-refused", "cannot accept: this proxy is draining");
      if (before.accepting) return before;
      const process = await readSettings(this.#dir);
      const { slots } = readProxyState(this.#stateFile()).state;
      await this.#readCounts();
      await writeConfig(await this.#findPath(), this.#dir, process, { accepting: true, slots });
      await reloadConfirmed(this.#files.masterSocket, before.pid);
      return undefined;
    });
  }

  drain({ limitMs }: DrainOrder): Promise<ProxyStatus> {
    return this.#inOrder(async () => {
      const process = await readSettings(this.#dir);
      const { slots } = readProxyState(this.#stateFile()).state;
      const { masterPid } = await readProcesses(this.#files.masterSocket);
      const before = await this.status();
      await this.#readCounts();
      await writeConfig(await this.#findPath(), this.#dir, process, { accepting: false, slots });
      signal(masterPid, "SIGUSR1");
      void this.#endAt(masterPid, performance.now() + limitMs);
      await drainBegun(this.#files.masterSocket);
      // An idle process is gone at once: asking it how it is would be too late.
      return { ...before, accepting: false, draining: true };
    });
  }

  async counters(): Promise<ProxyCounts> {
    const process = await this.#settings();
    return proxyCounts(process, await this.#readCounts());
  }

  /** As they are on disk; read again only when the file is another one. */
  async #settings(): Promise<ProxyProcess> {
    const stamp = fileStamp(settingsFile(this.#dir));
    if (this.#known?.stamp !== stamp) this.#known = { stamp, process: await readSettings(this.#dir) };
    return this.#known.process;
  }

  #stateFile(): string {
    return join(this.#dir, "state.json");
  }

  /** One after another: each goes on from what the one before has written down. */
  #readCounts(): Promise<AccumulatedCounts> {
    const result = this.#readings.then(() => readCounts(this.#files.masterSocket, this.#counts, this.#worker));
    this.#readings = result.catch(() => undefined);
    return result;
  }

  /** The limit of a drain; the keeper has its own for when we are gone. */
  async #endAt(masterPid: number, end: number): Promise<void> {
    for (;;) {
      const left = end - performance.now();
      if (left <= 0) break;
      await delay(Math.min(lookEveryMs, left), undefined, { ref: false });
      const there = await readProcesses(this.#files.masterSocket).catch(() => undefined);
      if (there?.masterPid !== masterPid) return;
    }
    signal(masterPid, "SIGTERM");
  }

  #inOrder(carryOut: () => Promise<ProxyStatus | undefined>): Promise<ProxyStatus> {
    const result = this.#orders.then(carryOut).then((status) => status ?? this.status());
    this.#orders = result.catch(() => undefined);
    return result;
  }
}

/** A process that has gone in the meantime is what was wanted. */
function signal(pid: number, name: "SIGUSR1" | "SIGTERM"): void {
  try {
    if (pid > 1) process.kill(pid, name);
  } catch {
    return;
  }
}
