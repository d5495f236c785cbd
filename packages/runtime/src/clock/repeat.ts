import type { DurationMs } from "@sluice/core/units/time";
import type { Running } from "../running/running.ts";
import type { Clock } from "./clock.ts";

/** {@link Clock.every} in terms of {@link Clock.sleep}: wait, run to the end, wait again. */
export function repeat(
  sleep: Clock["sleep"],
  period: DurationMs,
  task: (signal: AbortSignal) => void | Promise<void>,
): Running {
  const stop = new AbortController();
  const done = repeatUntil(stop.signal, sleep, period, task);
  done.catch(() => undefined);
  return {
    done,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done.catch(() => undefined);
    },
  };
}

async function repeatUntil(
  signal: AbortSignal,
  sleep: Clock["sleep"],
  period: DurationMs,
  task: (signal: AbortSignal) => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await sleep(period, signal);
    } catch {
      return;
    }
    await task(signal);
  }
}
