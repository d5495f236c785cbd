import { expect, test } from "vitest";
import { type Instant, instant } from "../units/time.ts";
import {
  type Freeze,
  type FreezeTime,
  freezeExtent,
  freezeWords,
  frozenUntil,
  parseLocalTime,
  parseMonthDay,
} from "./freeze.ts";

const utc = (text: string): Instant => instant(Date.parse(`${text}Z`));
const freeze = (when: FreezeTime): Freeze => ({
  name: "quiet",
  when,
  reason: "nobody is there",
  owner: "operations",
  environments: [],
  sites: [],
});

/** When a freeze that is in force ends, in UTC. */
function until(when: FreezeTime, now: string): string | undefined {
  const found = frozenUntil(freeze(when), utc(now));
  if (found === undefined) return undefined;
  return found.to === undefined ? "never" : new Date(found.to).toISOString().slice(0, 16);
}

test("a freeze from a date to a date holds until the end of its last day", () => {
  const zone = "Europe/Oslo";
  const from = parseLocalTime("2026-03-27", zone, "start") ?? instant(0);
  const to = parseLocalTime("2026-03-29", zone, "end") ?? instant(0);
  const when = { kind: "once", from, to, zone } as const;
  expect(until(when, "2026-03-26T22:59")).toBeUndefined();
  expect(until(when, "2026-03-26T23:00")).toBe("2026-03-29T22:00");
  expect(until(when, "2026-03-29T22:00")).toBeUndefined();
  expect(freezeWords(when)).toBe("Fri 2026-03-27 00:00 Europe/Oslo to Mon 2026-03-30 00:00 Europe/Oslo");
});

test("a yearly freeze goes over the new year, seen from both sides of it", () => {
  const when = { kind: "yearly", from: { month: 12, day: 20 }, to: { month: 1, day: 3 }, zone: "UTC" } as const;
  expect(until(when, "2026-12-19T23:59")).toBeUndefined();
  expect(until(when, "2026-12-20T00:00")).toBe("2027-01-04T00:00");
  expect(until(when, "2027-01-03T23:59")).toBe("2027-01-04T00:00");
  expect(until(when, "2027-01-04T00:00")).toBeUndefined();
  expect(freezeWords(when)).toBe("12-20 to 01-03 every year UTC");
});

test("a yearly freeze within a year, and one that ends on a day that not every year has", () => {
  const july = {
    kind: "yearly",
    from: { month: 7, day: 1 },
    to: { month: 7, day: 31 },
    zone: "Asia/Kathmandu",
  } as const;
  expect(until(july, "2026-06-30T18:15")).toBe("2026-07-31T18:15");
  const leap = { kind: "yearly", from: { month: 2, day: 20 }, to: { month: 2, day: 29 }, zone: "UTC" } as const;
  expect(until(leap, "2027-02-21T00:00")).toBe("2027-03-01T00:00");
  expect(until(leap, "2028-02-21T00:00")).toBe("2028-03-01T00:00");
});

test("a weekly freeze holds from its hour on its days; over midnight it belongs to the day before", () => {
  const window = { days: ["fri"], opens: 12 * 60, closes: 1440, zone: "America/New_York" } as const;
  const when = { kind: "weekly", window } as const;
  expect(until(when, "2026-11-20T16:59")).toBeUndefined();
  expect(until(when, "2026-11-20T17:00")).toBe("2026-11-21T05:00");
  expect(freezeWords(when)).toBe("every week fri 12:00-24:00 America/New_York");
});

test("dates that no calendar has are no dates", () => {
  for (const text of ["2026-02-30", "2026-13-01", "2026-1-1", "tomorrow", "2026-01-01 24:30", "2026-01-01 10:60"]) {
    expect(parseLocalTime(text, "UTC", "start"), text).toBeUndefined();
  }
  for (const text of ["02-30", "13-01", "1-1"]) expect(parseMonthDay(text), text).toBeUndefined();
  expect(parseMonthDay("02-29")).toEqual({ month: 2, day: 29 });
});

test("what a freeze concerns is told in words", () => {
  expect(freezeExtent({ environments: [], sites: [] })).toBe("everything");
  expect(freezeExtent({ environments: ["production"], sites: ["shop", "blog"] })).toBe("shop and blog in production");
});
