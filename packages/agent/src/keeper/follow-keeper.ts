import { durationMs } from "@sluice/core/units/time";
import type { Clock, Running } from "@sluice/runtime";
import type { ProcessNews } from "../drivers.ts";
import type { KeeperClient } from "./keeper-client.ts";

export interface FollowOptions {
  readonly keeper: Pick<KeeperClient, "events">;
  /** Resolves when a keeper answers, starting one if need be. */
  readonly ensureRunning: () => Promise<unknown>;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

/** From the end of a keeper to the next attempt to find one: users wait for nothing of it. */
const againMs = durationMs(100);

/** Passes on the keeper's events as they happen, and has a keeper started when there is none. */
export function followKeeper(options: FollowOptions, news: ProcessNews): Running {
  const stop = new AbortController();
  const done = follow(options, news, stop.signal);
  return {
    done,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

async function follow(options: FollowOptions, news: ProcessNews, signal: AbortSignal): Promise<void> {
  const { keeper, ensureRunning, clock, onFailure } = options;
  while (!signal.aborted) {
    try {
      await ensureRunning();
      for await (const event of keeper.events(signal)) if (event.kind !== "subscribed") news.moved();
    } catch (error) {
      if (!signal.aborted) onFailure(error);
    }
    if (signal.aborted) return;
    news.lost();
    await clock.sleep(againMs, signal).catch(() => undefined);
  }
}
