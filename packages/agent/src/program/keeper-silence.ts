import { durationMs } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";

/** Longer than a handover that fails keeps anybody waiting: then nobody answers any more. */
const longMs = durationMs(25_000);

/** For how long a keeper has not answered. */
export class KeeperSilence {
  readonly #clock: Pick<Clock, "monotonic">;
  #since: number | undefined;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** It has answered. */
  over(): void {
    this.#since = undefined;
  }

  /** It has not; whether that is so for too long to wait on. */
  goesOn(): boolean {
    const now = this.#clock.monotonic();
    this.#since ??= now;
    return now - this.#since >= longMs;
  }
}
