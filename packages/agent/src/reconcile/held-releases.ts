import type { UnitRelease } from "@sluice/core";
import { after, durationMs, type Instant } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";
import type { Installer } from "../drivers.ts";
import type { HostMemory } from "../ledger/host-memory.ts";

/** After a failure the next try waits this long: nobody waits for it, and a coordinator that is away is not asked again and again. */
const tryAgainMs = durationMs(30_000);

/**
 * Puts what the intent holds on disk ahead of any grant, one release at a time. Installing activates nothing (promise 1): it makes
 * an activation short, and says days before it that a disk is full or a download is damaged.
 */
export class HeldReleases {
  readonly #installer: Pick<Installer, "ensureInstalled">;
  readonly #memory: HostMemory;
  readonly #clock: Clock;
  #notBefore: Instant | undefined;

  constructor(installer: Pick<Installer, "ensureInstalled">, memory: HostMemory, clock: Clock) {
    this.#installer = installer;
    this.#memory = memory;
    this.#clock = clock;
  }

  /** False for a while after a failure. */
  get isDue(): boolean {
    return this.#notBefore === undefined || this.#clock.now() >= this.#notBefore;
  }

  /** The next one to be installed; `installed` are the digests on disk. */
  missing(installed: readonly string[]): UnitRelease | undefined {
    const present = new Set(installed);
    const held = this.#memory.intent?.body.units.flatMap(({ hold }) => hold) ?? [];
    return held.find(({ digest }) => !present.has(digest));
  }

  /** Rejects as the installer does, and is patient then. */
  async install(release: UnitRelease, signal: AbortSignal): Promise<void> {
    this.#notBefore = undefined;
    try {
      await this.#installer.ensureInstalled(release, signal);
    } catch (error) {
      this.#notBefore = after(this.#clock.now(), tryAgainMs);
      throw error;
    }
  }
}
