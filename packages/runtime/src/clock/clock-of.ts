import type { Clock } from "./clock.ts";
import { nodeClock } from "./node-clock.ts";
import { readPace } from "./pace-variable.ts";
import { createPacedClock } from "./paced-clock.ts";

/** The machine's own clock, or the faster one that the environment asks for. Throws `usage-invalid` when that is no pace. */
export function clockOf(env: Readonly<Record<string, string | undefined>>): Clock {
  const pace = readPace(env);
  return pace === undefined ? nodeClock : createPacedClock(nodeClock, pace);
}
