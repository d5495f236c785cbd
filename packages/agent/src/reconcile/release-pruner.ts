import { canonicalJson } from "@sluice/core/units/canonical-json";
import type { Installer } from "../drivers.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import { knownReleases } from "../ledger/known-releases.ts";
import { unsettled } from "./live-units.ts";

/** Removes releases from disk that nothing refers to any more; only when that has changed, because looking through a disk is not free. */
export class ReleasePruner {
  readonly #installer: Installer;
  readonly #memory: HostMemory;
  readonly #running: () => string | undefined;
  #kept = "";

  /** `running` answers with the release that this very agent was started from. */
  constructor(installer: Installer, memory: HostMemory, running: () => string | undefined) {
    this.#installer = installer;
    this.#memory = memory;
    this.#running = running;
  }

  /** Removes nothing while no intent is known. */
  async prune(): Promise<void> {
    const { intent, ledger } = this.#memory;
    if (intent === undefined) return;
    const activations = Object.fromEntries(unsettled(ledger).map((state) => [state.grant.id, state]));
    const running = this.#running();
    const known = Object.keys(knownReleases({ ...ledger, activations }, intent));
    const keep = [...new Set([...known, ...(running === undefined ? [] : [running])])].toSorted();
    const kept = canonicalJson(keep);
    if (kept === this.#kept) return;
    await this.#installer.prune(new Set(keep));
    this.#kept = kept;
  }
}
