import { describe, expect, test } from "vitest";
import { durationMs, type Instant, instant } from "../units/time.ts";
import { localInstant } from "./local-time.ts";
import {
  longestOpening,
  nextStart,
  openingAt,
  openingsFrom,
  parseDays,
  type TimeWindow,
  windowWords,
} from "./time-window.ts";

const hours = (count: number) => durationMs(count * 3_600_000);
const utc = (text: string): Instant => instant(Date.parse(`${text}Z`));
const words = (at: Instant | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString().slice(0, 16);

function window(days: string, from: string, to: string, zone: string): TimeWindow {
  const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  return { days: parseDays(days) ?? [], opens: minutes(from), closes: minutes(to), zone };
}

/** First opening after a moment in UTC. */
function opening(of: readonly TimeWindow[], after: string): readonly (string | undefined)[] {
  const [first] = openingsFrom(of, utc(after));
  return [words(first?.from), words(first?.to)];
}

const oslo = window("mon-thu", "09:00", "15:00", "Europe/Oslo");

describe("an ordinary week", () => {
  test("it is open from the first minute and closed from the last one on", () => {
    expect(openingAt([oslo], utc("2026-01-12T07:59:59"))).toBeUndefined();
    expect(words(openingAt([oslo], utc("2026-01-12T08:00"))?.to)).toBe("2026-01-12T14:00");
    expect(openingAt([oslo], utc("2026-01-12T14:00"))).toBeUndefined();
  });

  test("after the last day of the week it opens on the first one of the next", () => {
    expect(opening([oslo], "2026-01-15T15:00")).toEqual(["2026-01-19T08:00", "2026-01-19T14:00"]);
  });

  test("hours that go over midnight belong to the day on which they begin", () => {
    const nights = window("fri", "22:00", "04:00", "UTC");
    expect(opening([nights], "2026-01-17T03:59")).toEqual(["2026-01-16T22:00", "2026-01-17T04:00"]);
    expect(openingAt([nights], utc("2026-01-16T03:00"))).toBeUndefined();
  });

  test("several windows are open when one of them is, and those that touch close once", () => {
    const two = [window("mon", "09:00", "12:00", "UTC"), window("mon", "12:00", "17:00", "UTC")];
    expect(opening(two, "2026-01-12T10:00")).toEqual(["2026-01-12T09:00", "2026-01-12T17:00"]);
    const apart = [window("mon", "09:00", "11:00", "UTC"), window("mon", "13:00", "17:00", "UTC")];
    expect(opening(apart, "2026-01-12T11:30")).toEqual(["2026-01-12T13:00", "2026-01-12T17:00"]);
  });

  test("a window over every hour of every day never closes", () => {
    const always = window("mon-sun", "00:00", "24:00", "Europe/Oslo");
    expect(openingAt([always], utc("2026-03-29T00:30"))).toMatchObject({ from: expect.any(Number) });
    expect(openingAt([always], utc("2026-03-29T00:30"))?.to).toBeUndefined();
    expect(longestOpening([always])).toBeUndefined();
  });

  test("a start is looked for where enough time is left before it closes", () => {
    expect(words(nextStart([oslo], utc("2026-01-12T10:00"), hours(4)))).toBe("2026-01-12T10:00");
    expect(words(nextStart([oslo], utc("2026-01-12T10:01"), hours(4)))).toBe("2026-01-13T08:00");
    expect(nextStart([oslo], utc("2026-01-12T10:00"), hours(7))).toBeUndefined();
    expect(longestOpening([oslo])).toBe(hours(6));
  });
});

describe("the days on which clocks change", () => {
  test("Oslo in spring: the same hours on the wall are an hour earlier in the world", () => {
    const sunday = window("sat,sun", "09:00", "15:00", "Europe/Oslo");
    expect(opening([sunday], "2026-03-28T00:00")).toEqual(["2026-03-28T08:00", "2026-03-28T14:00"]);
    expect(opening([sunday], "2026-03-28T20:00")).toEqual(["2026-03-29T07:00", "2026-03-29T13:00"]);
  });

  test("Oslo in spring: a night is an hour shorter", () => {
    expect(opening([window("sat", "22:00", "06:00", "Europe/Oslo")], "2026-03-28T12:00")).toEqual([
      "2026-03-28T21:00",
      "2026-03-29T04:00",
    ]);
  });

  test("Oslo in spring: a time that is skipped is the moment of skipping", () => {
    const [from, to] = ["2026-03-29T01:00", "2026-03-29T03:00"];
    expect(opening([window("sun", "02:30", "05:00", "Europe/Oslo")], "2026-03-28T12:00")).toEqual([from, to]);
    expect(opening([window("sun", "00:00", "02:30", "Europe/Oslo")], "2026-03-28T12:00")).toEqual([
      "2026-03-28T23:00",
      from,
    ]);
  });

  test("Oslo in spring: a window that lies wholly in the skipped hour does not open that day", () => {
    expect(opening([window("sun", "02:10", "02:50", "Europe/Oslo")], "2026-03-28T12:00")[0]).toBe("2026-04-05T00:10");
  });

  test("Oslo in autumn: a time that is shown twice is the first of the two, for opening and closing alike", () => {
    expect(opening([window("sun", "02:30", "05:00", "Europe/Oslo")], "2026-10-24T12:00")).toEqual([
      "2026-10-25T00:30",
      "2026-10-25T04:00",
    ]);
    expect(opening([window("sun", "00:00", "02:30", "Europe/Oslo")], "2026-10-24T12:00")).toEqual([
      "2026-10-24T22:00",
      "2026-10-25T00:30",
    ]);
  });

  test("New York changes its clocks on other dates than Europe, and at two o'clock as well", () => {
    const night = window("sun", "01:30", "02:30", "America/New_York");
    expect(opening([night], "2026-03-07T12:00")).toEqual(["2026-03-08T06:30", "2026-03-08T07:00"]);
    expect(opening([night], "2026-10-31T12:00")).toEqual(["2026-11-01T05:30", "2026-11-01T07:30"]);
    const day = window("mon", "09:00", "17:00", "America/New_York");
    expect(opening([day], "2026-03-02T00:00")).toEqual(["2026-03-02T14:00", "2026-03-02T22:00"]);
    expect(opening([day], "2026-03-09T00:00")).toEqual(["2026-03-09T13:00", "2026-03-09T21:00"]);
  });

  test("Kathmandu is three quarters of an hour off and never changes", () => {
    const day = window("sun-fri", "10:00", "16:00", "Asia/Kathmandu");
    expect(opening([day], "2026-03-29T00:00")).toEqual(["2026-03-29T04:15", "2026-03-29T10:15"]);
    expect(opening([day], "2026-10-25T00:00")).toEqual(["2026-10-25T04:15", "2026-10-25T10:15"]);
  });

  test("Lord Howe Island changes by half an hour", () => {
    const night = window("sun", "00:00", "06:00", "Australia/Lord_Howe");
    const lengthOf = (after: string): number => {
      const [first] = openingsFrom([night], utc(after));
      return ((first?.to ?? instant(0)) - (first?.from ?? instant(0))) / 3_600_000;
    };
    expect(lengthOf("2026-04-04T06:00")).toBe(6.5);
    expect(lengthOf("2026-10-03T06:00")).toBe(5.5);
    expect(lengthOf("2026-10-10T06:00")).toBe(6);
    const skipped = window("sun", "02:10", "03:00", "Australia/Lord_Howe");
    expect(opening([skipped], "2026-10-03T06:00")).toEqual(["2026-10-03T15:30", "2026-10-03T16:00"]);
  });

  test("a date that is skipped by law has no hours", () => {
    expect(opening([window("fri", "09:00", "15:00", "Pacific/Apia")], "2011-12-29T12:00")[0]).toBe("2012-01-05T19:00");
  });

  test("every instant of three years is in at most one opening, and openings show the hours that were asked for", () => {
    for (let at = utc("2025-01-01T00:00"); at < utc("2028-01-01T00:00"); at = instant(at + hours(37))) {
      const openings = openingsFrom([window("mon-sun", "21:00", "05:30", "Europe/Oslo")], at);
      for (const [index, one] of openings.entries()) {
        expect(one.from).toBeGreaterThan(openings[index - 1]?.to ?? 0);
        const date = Temporal.Instant.fromEpochMilliseconds(one.from).toZonedDateTimeISO("Europe/Oslo").toPlainDate();
        expect(one.from).toBe(localInstant(date, 21 * 60, "Europe/Oslo"));
      }
    }
  });
});

test("days are written as ranges and lists and read back the same", () => {
  expect(windowWords(oslo)).toBe("mon-thu 09:00-15:00 Europe/Oslo");
  expect(windowWords(window("fri-mon", "22:00", "24:00", "UTC"))).toBe("mon,fri-sun 22:00-24:00 UTC");
  for (const text of ["mon-thu", "mon,wed", "mon,fri-sun", "mon-sun"]) {
    expect(windowWords(window(text, "09:00", "15:00", "UTC"))).toContain(`${text} `);
  }
  for (const text of ["", "mon-", "monday", "mon-tue-wed", "mon;tue"]) expect(parseDays(text)).toBeUndefined();
});
