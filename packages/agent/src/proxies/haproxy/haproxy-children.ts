import { existsSync } from "node:fs";
import type { ProxyControl } from "@sluice/proxy/control/control-client";
import { findHaproxy } from "@sluice/proxy/haproxy/find-haproxy";
import { openHaproxyControl } from "@sluice/proxy/haproxy/open-haproxy-control";
import { haproxyCommand, prepareHaproxy } from "@sluice/proxy/haproxy/prepare-haproxy";
import { configOf } from "@sluice/proxy/haproxy/process-files";
import type { ChildSpec } from "../../keeper/keeper-api.ts";

/** Proxy processes that are an HAProxy: one master with its workers each, a child of the keeper like every other. */
export class HaproxyChildren {
  /** Each puts the orders of its process one after another, so there is one for each process. */
  readonly #controls = new Map<string, ProxyControl>();

  /** Whether the process of this run folder is an HAProxy. */
  owns(folder: string): boolean {
    return this.#controls.has(folder) || existsSync(configOf(folder));
  }

  control(folder: string): ProxyControl {
    const known = this.#controls.get(folder);
    if (known !== undefined) return known;
    const opened = openHaproxyControl(folder);
    this.#controls.set(folder, opened);
    return opened;
  }

  forget(folder: string): void {
    this.#controls.delete(folder);
  }

  /**
   * What the keeper has to run for the settings in `folder`: not accepting, and holding whatever it is asked. Rejects, before anything
   * runs, when HAProxy is missing, too old or does not take the configuration.
   */
  async prepare(folder: string): Promise<Pick<ChildSpec, "command" | "args" | "env" | "stopSignal">> {
    const { path } = await findHaproxy();
    await prepareHaproxy(path, folder, { accepting: false, slots: { live: "hold" } });
    // SIGTERM would cut what is under way: SIGUSR1 lets it end.
    return { ...haproxyCommand(path, folder), stopSignal: "SIGUSR1" };
  }
}
