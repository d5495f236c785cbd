import type { ObservedHost } from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import { type HostDrivers, observeHost } from "./host-drivers.ts";

/** What the host's processes said, and when they were asked (monotonic). */
export interface HostLook {
  readonly host: ObservedHost;
  readonly askedAt: number;
}

/** One that waits for others to be heard, and one for whoever cannot use what was asked before. */
const atOnceMax = 2;

/**
 * Looks at the host for all who work on it side by side. A look asks every process, so a hundred lanes with a look of their own
 * each would ask ten thousand times, and be late for their own answers.
 */
export class HostLooks {
  readonly #drivers: HostDrivers;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #underWay = new Set<Promise<unknown>>();
  #next: Promise<HostLook> | undefined;

  constructor(drivers: HostDrivers, clock: Pick<Clock, "monotonic">) {
    this.#drivers = drivers;
    this.#clock = clock;
  }

  /** A look that begins after the call: it shows whatever was done before. Shared by all who ask before it begins. */
  fresh(): Promise<HostLook> {
    this.#next ??= this.#turn().then(() => this.#begin());
    return this.#next;
  }

  /** Resolves when there is room for one more. */
  async #turn(): Promise<void> {
    while (this.#underWay.size >= atOnceMax) await Promise.race(this.#underWay);
  }

  #begin(): Promise<HostLook> {
    this.#next = undefined;
    const askedAt = this.#clock.monotonic();
    const look = observeHost(this.#drivers).then((host) => ({ host, askedAt }));
    const over: Promise<void> = look
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => void this.#underWay.delete(over));
    this.#underWay.add(over);
    return look;
  }
}
