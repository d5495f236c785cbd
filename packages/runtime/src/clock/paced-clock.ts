import { durationMs, type Instant, instant } from "@sluice/core/units/time";
import type { Clock } from "./clock.ts";
import { repeat } from "./repeat.ts";

/** How much faster than the machine's own a clock goes, and the moment at which both showed the same. */
export interface Pace {
  readonly times: number;
  readonly since: Instant;
}

/**
 * A clock that goes `times` as fast as `clock`: a sleep of ten seconds takes one at a pace of 10. All programs of one pace agree on
 * the time whenever they were started, as far as their own clocks agree.
 */
export function createPacedClock(clock: Clock, { times, since }: Pace): Clock {
  const sleep: Clock["sleep"] = (by, signal) => clock.sleep(durationMs(by / times), signal);
  return {
    now: () => instant(Math.round(since + (clock.now() - since) * times)),
    monotonic: () => durationMs(clock.monotonic() * times),
    sleep,
    every: (period, task) => repeat(sleep, period, task),
  };
}
