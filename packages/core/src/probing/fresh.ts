import { type DurationMs, durationMs } from "../units/time.ts";

/** Results come in batches and over lines that stall: a few seconds of silence mean nothing. */
const freshMsMin = 30_000;

/** Three rounds that brought nothing are no accident. */
const roundsMax = 3;

/** How long the newest answer of probes speaks for the present, by how often each site is asked. */
export const freshFor = (...everyMs: readonly DurationMs[]): DurationMs =>
  durationMs(Math.max(freshMsMin, ...everyMs.map((ms) => roundsMax * ms)));
