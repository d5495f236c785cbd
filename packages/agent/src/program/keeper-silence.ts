import type { Clock } from "@sluice/runtime";
import { type KeeperPatience, keeperPatience } from "../keeper/keeper-patience.ts";

/** For how long a keeper has not answered. */
export class KeeperSilence {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #patience: KeeperPatience;
  #since: number | undefined;

  constructor(clock: Pick<Clock, "monotonic">, patience: KeeperPatience = keeperPatience) {
    this.#clock = clock;
    this.#patience = patience;
  }

  /** It has answered, or another one is started that has all of the time before it. */
  over(): void {
    this.#since = undefined;
  }

  /** It has not; whether that is so for too long to wait on. */
  goesOn(): boolean {
    const now = this.#clock.monotonic();
    this.#since ??= now;
    return now - this.#since >= this.#patience.silentMs;
  }
}
