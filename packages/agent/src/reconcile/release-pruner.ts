import { canonicalJson } from "@sluice/core/units/canonical-json";
import type { HostMemory } from "../ledger/host-memory.ts";
import { knownReleases } from "../ledger/known-releases.ts";
import { certificatesInUse } from "../ledger/proven-certificates.ts";
import type { HostDrivers } from "./host-drivers.ts";
import { unsettled } from "./live-units.ts";

/** Removes releases and copies of certificates from disk that nothing refers to any more; only when that has changed, because looking through a disk is not free. */
export class ReleasePruner {
  readonly #drivers: Pick<HostDrivers, "installer" | "pruneCertificates">;
  readonly #memory: HostMemory;
  readonly #running: () => readonly (string | undefined)[];
  #kept = "";

  /** `running` answers with the releases that this very agent and its keeper were started from. */
  constructor(
    drivers: Pick<HostDrivers, "installer" | "pruneCertificates">,
    memory: HostMemory,
    running: () => readonly (string | undefined)[],
  ) {
    this.#drivers = drivers;
    this.#memory = memory;
    this.#running = running;
  }

  /** Removes nothing while no intent is known. */
  async prune(): Promise<void> {
    const { intent, ledger } = this.#memory;
    if (intent === undefined) return;
    const activations = Object.fromEntries(unsettled(ledger).map((state) => [state.grant.id, state]));
    const running = this.#running().filter((digest) => digest !== undefined);
    const known = Object.keys(knownReleases({ ...ledger, activations }, intent));
    const keep = [...new Set([...known, ...running])].toSorted();
    const certificates = certificatesInUse(ledger);
    const kept = canonicalJson([keep, certificates]);
    if (kept === this.#kept) return;
    await this.#drivers.installer.prune(new Set(keep));
    await this.#drivers.pruneCertificates(new Set(certificates));
    this.#kept = kept;
  }
}
