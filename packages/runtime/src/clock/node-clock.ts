import { setTimeout as delay } from "node:timers/promises";
import { durationMs, instant } from "@sluice/core/units/time";
import type { Clock } from "./clock.ts";
import { repeat } from "./repeat.ts";

const sleep: Clock["sleep"] = async (by, signal) => {
  try {
    await delay(by, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
};

/** The machine's own clock. */
export const nodeClock: Clock = {
  now: () => instant(Date.now()),
  monotonic: () => durationMs(performance.now()),
  sleep,
  every: (period, task) => repeat(sleep, period, task),
};
