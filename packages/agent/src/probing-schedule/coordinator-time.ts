import type { Instant } from "@sluice/core";
import { instant } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";

/** A word of the coordinator that carried its clock, with the monotonic times of the question and of the answer. */
export interface TimeHeard {
  readonly askedAt: number;
  readonly heardAt: number;
  readonly theirs: Instant;
}

/** Of so many words the one that was under way the shortest is believed: enough for some quick ones, few enough to follow a drift. */
const heardMax = 8;

/**
 * The coordinator's clock as this host knows it, so that all hosts ask in the same second whatever their own clocks say. Wrong by
 * half of a round trip at most. It runs on while the coordinator is away; before its first word it is this host's own.
 */
export class CoordinatorTime {
  readonly #clock: Clock;
  #heard: readonly { readonly tripMs: number; readonly offset: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard({ askedAt, heardAt, theirs }: TimeHeard): void {
    const tripMs = heardAt - askedAt;
    this.#heard = [...this.#heard, { tripMs, offset: theirs + tripMs / 2 - heardAt }].slice(-heardMax);
  }

  now(): Instant {
    const [first, ...rest] = this.#heard;
    if (first === undefined) return this.#clock.now();
    const best = rest.reduce((quickest, one) => (one.tripMs < quickest.tripMs ? one : quickest), first);
    return instant(this.#clock.monotonic() + best.offset);
  }
}
