import { type Instant, instant } from "../units/time.ts";

/*
 * The time-zone tables come with the runtime, like the letters of a script: no clock is read and nothing is asked of the
 * machine, so that a decision by local time is as repeatable as any other on one version of the program.
 */

/** Whether the runtime knows this IANA zone, such as `Europe/Oslo`. Bare offsets are none: they don't follow the law. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    dateAt(instant(0), name);
    return true;
  } catch {
    return false;
  }
}

/** What the clocks of the zone show, to the millisecond. */
const clocksAt = (at: Instant, zone: string): Temporal.ZonedDateTime =>
  Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO(zone);

/** The date on the wall at this instant. */
export function dateAt(at: Instant, zone: string): Temporal.PlainDate {
  return clocksAt(at, zone).toPlainDate();
}

/**
 * When clocks of the zone show this date and time. A time that is shown twice (clocks go back) means the first of the
 * two; one that is never shown (clocks go forward) means the moment at which it is skipped.
 */
export function localInstant(date: Temporal.PlainDate, minutesAfterMidnight: number, zone: string): Instant {
  const day = date.add({ days: Math.floor(minutesAfterMidnight / 1440) });
  const minutes = minutesAfterMidnight % 1440;
  const wanted = day.toPlainDateTime({ hour: Math.floor(minutes / 60), minute: minutes % 60 });
  const first = wanted.toZonedDateTime(zone, { disambiguation: "earlier" });
  const shown = first.toPlainDateTime().equals(wanted) ? first : (first.getTimeZoneTransition("next") ?? first);
  return instant(shown.epochMilliseconds);
}

/** Minutes after midnight of `"09:30"`; `"24:00"` is the end of the day. */
export function minutesOf(hour: string): number {
  const [hours = 0, minutes = 0] = hour.split(":").map(Number);
  return hours * 60 + minutes;
}

/** `09:30` */
export function hourWords(minutesAfterMidnight: number): string {
  const two = (count: number): string => `${count}`.padStart(2, "0");
  return `${two(Math.floor(minutesAfterMidnight / 60))}:${two(minutesAfterMidnight % 60)}`;
}

/** `Mon 2026-03-30 09:00 Europe/Oslo` */
export function localWords(at: Instant, zone: string): string {
  const local = clocksAt(at, zone);
  const day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][local.dayOfWeek - 1];
  return `${day} ${local.toPlainDate().toString()} ${hourWords(local.hour * 60 + local.minute)} ${zone}`;
}

/** `2026-03-30 09:00:05`, without the name of the zone: for columns of one zone. */
export function stampWords(at: Instant, zone: string): string {
  const local = clocksAt(at, zone);
  const second = `${local.second}`.padStart(2, "0");
  return `${local.toPlainDate().toString()} ${hourWords(local.hour * 60 + local.minute)}:${second}`;
}
