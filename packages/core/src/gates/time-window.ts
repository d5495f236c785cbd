import { between, type DurationMs, durationMs, type Instant, instant } from "../units/time.ts";
import { dateAt, hourWords, localInstant } from "./local-time.ts";

/** Days of the week in their order. */
export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof weekdays)[number];

/** Hours of some days of every week, by the clocks of one zone. */
export interface TimeWindow {
  readonly days: readonly Weekday[];
  /** Minutes after midnight. */
  readonly opens: number;
  /** Minutes after midnight; not later than `opens` means that it closes on the following day. 1440 is midnight. */
  readonly closes: number;
  /** IANA name. */
  readonly zone: string;
}

/** A stretch of time without interruption, the end excluded; `to` absent when it ends beyond every plan. */
export interface Opening {
  readonly from: Instant;
  readonly to?: Instant;
}

/** How far ahead openings are looked for: every day of the week comes up twice, also where a date is skipped by law. */
const horizonDays = 15;

/** What stays open for longer than a week has no hour of the week in which it is closed. */
const neverClosesMs = durationMs(8 * 86_400_000);

/** The windows taken together, from one that is open at `now` on; openings that touch are one. */
export function openingsFrom(windows: readonly TimeWindow[], now: Instant): readonly Opening[] {
  const all = windows.flatMap((window) => openingsOf(window, now)).sort((a, b) => a.from - b.from);
  const joined: { from: Instant; to: Instant }[] = [];
  for (const opening of all) {
    const last = joined.at(-1);
    if (last !== undefined && opening.from <= last.to) last.to = instant(Math.max(last.to, opening.to));
    else joined.push({ ...opening });
  }
  return joined
    .filter(({ to }) => to > now)
    .map(({ from, to }) => (between(from, to) > neverClosesMs ? { from } : { from, to }));
}

interface Closing {
  readonly from: Instant;
  readonly to: Instant;
}

/** A window's openings of the day it was asked on last: gates ask again and again, and each date takes the tables of a zone. */
const openingsOn = new WeakMap<TimeWindow, { readonly today: string; readonly openings: readonly Closing[] }>();

function openingsOf(window: TimeWindow, now: Instant): readonly Closing[] {
  const today = dateAt(now, window.zone);
  const known = openingsOn.get(window);
  if (known?.today === today.toString()) return known.openings;
  const openings = openingsAround(window, today);
  openingsOn.set(window, { today: today.toString(), openings });
  return openings;
}

function openingsAround({ days, opens, closes, zone }: TimeWindow, today: Temporal.PlainDate): readonly Closing[] {
  const nextDay = closes > opens ? 0 : 1440;
  return Array.from({ length: horizonDays + 2 }, (_, index) => today.add({ days: index - 2 })).flatMap((date) => {
    const day = weekdays[date.dayOfWeek - 1];
    if (day === undefined || !days.includes(day)) return [];
    const from = localInstant(date, opens, zone);
    const to = localInstant(date, closes + nextDay, zone);
    return to > from ? [{ from, to }] : [];
  });
}

/** The opening at `now`, if one of the windows is open. */
export function openingAt(windows: readonly TimeWindow[], now: Instant): Opening | undefined {
  return openingsFrom(windows, now).find(({ from }) => from <= now);
}

/** The next moment from `now` on, `now` included, at which a window stays open for so long; undefined when none does. */
export function nextStart(windows: readonly TimeWindow[], now: Instant, neededMs: DurationMs): Instant | undefined {
  for (const { from, to } of openingsFrom(windows, now)) {
    const start = instant(Math.max(from, now));
    if (to === undefined || between(start, to) >= neededMs) return start;
  }
  return undefined;
}

/** The longest time that the windows stay open in a week without a change of clocks; undefined when they never close. */
export function longestOpening(windows: readonly TimeWindow[]): DurationMs | undefined {
  const utc = windows.map((window) => ({ ...window, zone: "UTC" }));
  const lengths = openingsFrom(utc, instant(0)).map(({ from, to }) =>
    to === undefined ? undefined : between(from, to),
  );
  return lengths.includes(undefined) ? undefined : durationMs(Math.max(0, ...lengths.map((length) => length ?? 0)));
}

/** `mon-thu 09:00-15:00 Europe/Oslo` */
export function windowWords({ days, opens, closes, zone }: TimeWindow): string {
  return `${daysWords(days)} ${hourWords(opens)}-${hourWords(closes)} ${zone}`;
}

/** Days as the fleet file writes them: runs of three or more as a range. */
function daysWords(days: readonly Weekday[]): string {
  const runs: Weekday[][] = [];
  for (const [index, day] of weekdays.entries()) {
    if (!days.includes(day)) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.at(-1) === weekdays[index - 1]) last.push(day);
    else runs.push([day]);
  }
  return runs.map((run) => (run.length > 2 ? `${run[0]}-${run.at(-1)}` : run.join(","))).join(",");
}

/** Reads `"mon-thu"`, `"mon,wed,fri-sun"`; a range may go over the end of the week. Undefined when it is none. */
export function parseDays(text: string): readonly Weekday[] | undefined {
  const named = new Set<Weekday>();
  for (const part of text.split(",").map((piece) => piece.trim())) {
    const [first = "", last = first, ...more] = part.split("-");
    const [from, to] = [weekdays.indexOf(first as Weekday), weekdays.indexOf(last as Weekday)];
    if (from < 0 || to < 0 || more.length > 0) return undefined;
    for (let index = from; ; index = (index + 1) % weekdays.length) {
      named.add(weekdays[index] ?? "mon");
      if (index === to) break;
    }
  }
  return weekdays.filter((day) => named.has(day));
}
