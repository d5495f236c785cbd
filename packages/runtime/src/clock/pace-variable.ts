import { Problem } from "@sluice/core/problems/problem";
import { instant } from "@sluice/core/units/time";
import type { Pace } from "./paced-clock.ts";

/**
 * Environment variable that makes the clock of a program go faster, for tests and demos on one machine: `10@2026-06-01T09:00:00.000Z`
 * is ten times as fast since that moment. Every program of a fleet has to be given the same one.
 */
export const paceVariable = "SLUICE_CLOCK_PACE";

/** Beyond it a pause of the machine looks like an outage: a tenth of a second is more than the time to answer a heartbeat. */
const timesMax = 100;

/** The pace that the environment asks for; undefined when it asks for none. Throws `usage-invalid` for what is none. */
export function readPace(env: Readonly<Record<string, string | undefined>>): Pace | undefined {
  const text = env[paceVariable] ?? "";
  if (text === "") return undefined;
  const [, digits, moment = ""] = /^(\d+(?:\.\d+)?)@(\d{4}-\d{2}-\d{2}T[\d:.]+Z)$/.exec(text) ?? [];
  const times = Number(digits);
  const since = Date.parse(moment);
  if (times >= 1 && times <= timesMax && Number.isFinite(since)) return { times, since: instant(since) };
  throw new Problem(
    "usage-invalid",
    `cannot set the pace of the clock to '${text}': ${paceVariable} wants TIMES@MOMENT`,
    {
      hint: `TIMES from 1 to ${timesMax}, MOMENT in UTC, for example ${paceVariable}=10@2026-06-01T09:00:00.000Z; unset it for a real fleet`,
    },
  );
}

/** What to put into the variable. */
export const paceText = ({ times, since }: Pace): string => `${times}@${new Date(since).toISOString()}`;
