import type { DurationMs, Instant } from "@sluice/core/units/time";
import type { Running } from "../running/running.ts";

/** The only way to read or spend time. Everything that waits takes one, so that tests decide how time passes. */
export interface Clock {
  /** The wall clock; may jump when the host's time is set. Use it for statements to others. */
  now(): Instant;
  /** Milliseconds from an arbitrary start; never goes back. Use it to measure. */
  monotonic(): DurationMs;
  /** Resolves after `by`; rejects with the signal's reason as soon as that aborts. */
  sleep(by: DurationMs, signal?: AbortSignal): Promise<void>;
  /** Runs `task` every `period`, the first time after one period, never twice at once. `done` rejects when `task` does. */
  every(period: DurationMs, task: (signal: AbortSignal) => void | Promise<void>): Running;
}
