import type { BootFacts } from "@sluice/core/host/forecast-boot";
import { sameJson } from "@sluice/core/units/same-json";
import { durationMs } from "@sluice/core/units/time";
import type { Clock, Running } from "@sluice/runtime";

/** Packages are installed by people and by nightly jobs: a minute's delay misleads nobody, and the look costs next to nothing. */
const lookEveryMs = durationMs(60_000);

export interface BootWatchOptions {
  readonly read: () => Promise<BootFacts>;
  readonly clock: Clock;
  readonly onChanged: () => void;
}

export interface BootWatch extends Running {
  /** The newest look; undefined before the first. The same object as long as it shows the same. */
  readonly facts: BootFacts | undefined;
}

/** Looks every minute at what a reboot would start. A look that fails is told as a fact: silence would read as "nothing". */
export function startBootWatch({ read, clock, onChanged }: BootWatchOptions): BootWatch {
  const stop = new AbortController();
  let facts: BootFacts | undefined;
  const look = async (): Promise<void> => {
    const found = await read().catch((error: unknown) => failedLook(error));
    if (stop.signal.aborted || (facts !== undefined && sameJson(facts, found))) return;
    facts = found;
    onChanged();
  };
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await look();
      await clock.sleep(lookEveryMs, stop.signal).catch(() => undefined);
    }
  };
  const done = run();
  done.catch(() => undefined);
  return {
    done,
    get facts() {
      return facts;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done.catch(() => undefined);
    },
  };
}

function failedLook(error: unknown): BootFacts {
  const why = error instanceof Error ? error.message : String(error);
  return { programs: [], unread: [`nobody can tell which programs would run: ${why}`] };
}
