import { expect, test } from "vitest";
import { instant } from "../units/time.ts";
import { parseMoment } from "./parse-moment.ts";

const now = instant(Date.UTC(2026, 2, 8, 12));

test.each([
  ["2d", "UTC", Date.UTC(2026, 2, 6, 12)],
  ["2026-03-06", "UTC", Date.UTC(2026, 2, 6)],
  ["2026-03-06 09:11", "Europe/Oslo", Date.UTC(2026, 2, 6, 8, 11)],
  ["2026-03-06T09:11:30", "UTC", Date.UTC(2026, 2, 6, 9, 11, 30)],
  ["2026-03-06T09:11Z", "Europe/Oslo", Date.UTC(2026, 2, 6, 9, 11)],
])("'%s' by the clocks of %s is one moment", (text, zone, expected) => {
  expect(parseMoment(text, now, zone)).toBe(expected);
});

test.each(["yesterday", "2", "2026-02-30", "2026-03-06 25:00", "2026-03-06 09:61", "06.03.2026"])(
  "'%s' is no moment",
  (text) => {
    expect(parseMoment(text, now, "UTC")).toBeUndefined();
  },
);
