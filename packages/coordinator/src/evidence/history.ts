import { durationMs } from "@sluice/core";

/** How long blocks and rounds are kept: a day, so that a change is compared with the same hour of the day as well. */
export const historyMs = durationMs(24 * 3_600_000);
