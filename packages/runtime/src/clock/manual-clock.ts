import { type DurationMs, durationMs, type Instant, instant } from "@sluice/core/units/time";
import type { Clock } from "./clock.ts";
import { repeat } from "./repeat.ts";

/** A clock that stands still until somebody moves it. */
export interface ManualClock extends Clock {
  /** Moves time on, waking sleepers in order of their hour; resolves when what they woke has run as far as it can. */
  advance(by: DurationMs): Promise<void>;
  /** How many sleepers there are: 0 means that nothing will ever happen by itself. */
  readonly sleepers: number;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Starts at `start`, by default an unremarkable day in 2026. */
export function createManualClock(start: Instant = instant(1_767_600_000_000)): ManualClock {
  let elapsed = 0;
  const sleepers = new Set<Sleeper>();

  const sleep: Clock["sleep"] = (by, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const aborted = () => {
        sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      };
      const sleeper: Sleeper = { at: elapsed + Math.max(0, by), wake };
      signal?.addEventListener("abort", aborted, { once: true });
      sleepers.add(sleeper);
    });

  return {
    now: () => instant(start + elapsed),
    monotonic: () => durationMs(elapsed),
    sleep,
    every: (period, task) => repeat(sleep, period, task),
    get sleepers() {
      return sleepers.size;
    },
    async advance(by) {
      const until = elapsed + by;
      await settle();
      for (let next = nextSleeper(sleepers, until); next !== undefined; next = nextSleeper(sleepers, until)) {
        elapsed = Math.max(elapsed, next.at);
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      elapsed = until;
    },
  };
}

/** The earliest sleeper due by `until`; equals wake in the order in which they fell asleep. */
function nextSleeper(sleepers: ReadonlySet<Sleeper>, until: number): Sleeper | undefined {
  let next: Sleeper | undefined;
  for (const sleeper of sleepers) {
    if (sleeper.at <= until && (next === undefined || sleeper.at < next.at)) next = sleeper;
  }
  return next;
}

/** Two turns of the event loop: promise chains have run dry and anything they scheduled at once has run too. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
