import { expect, test } from "vitest";
import { fleetText, parsed, problemsIn } from "./fleet-text.sample.ts";

const about = "zone: Europe/Oslo, reason: nobody is there, owner: operations";
const freezes = (...entries: readonly string[]): string =>
  fleetText({ top: `freezes: [${entries.map((entry) => `{ ${about}, ${entry} }`).join(", ")}]` });
const sentences = (text: string): readonly string[] =>
  problemsIn(text).map(({ path, sentence }) => `${path}: ${sentence}`);

test("a freeze of each kind is read with its time and extent", () => {
  const text = freezes(
    'name: audit, once: { from: 2026-11-02, to: "2026-11-06 16:00" }, environments: [production]',
    "name: christmas, yearly: { from: 12-20, to: 01-03 }, sites: [shop]",
    'name: friday, weekly: { days: fri, hours: "12:00-24:00" }',
    "name: weekend, weekly: { days: sat-sun }",
  );
  expect(parsed(text).freezes?.map(({ name, when, environments, sites }) => [name, when, environments, sites])).toEqual(
    [
      [
        "audit",
        {
          kind: "once",
          from: Date.parse("2026-11-01T23:00Z"),
          to: Date.parse("2026-11-06T15:00Z"),
          zone: "Europe/Oslo",
        },
        ["production"],
        [],
      ],
      [
        "christmas",
        { kind: "yearly", from: { month: 12, day: 20 }, to: { month: 1, day: 3 }, zone: "Europe/Oslo" },
        [],
        ["shop"],
      ],
      ["friday", { kind: "weekly", window: { days: ["fri"], opens: 720, closes: 1440, zone: "Europe/Oslo" } }, [], []],
      [
        "weekend",
        { kind: "weekly", window: { days: ["sat", "sun"], opens: 0, closes: 1440, zone: "Europe/Oslo" } },
        [],
        [],
      ],
    ],
  );
});

test.each([
  ["no time", ["name: a"], "freezes[0]: freeze 'a' has no time"],
  [
    "two times",
    ["name: a, weekly: { days: fri }, yearly: { from: 01-01, to: 01-02 }"],
    "freezes[0].weekly: freeze 'a' is both yearly and weekly",
  ],
  [
    "an end before its beginning",
    ["name: a, once: { from: 2026-02-02, to: 2026-02-01 }"],
    "freezes[0].once.to: freeze 'a' ends before it begins",
  ],
  [
    "a name twice",
    ["name: a, weekly: { days: fri }", "name: a, weekly: { days: sat }"],
    "freezes[1].name: freeze 'a' is declared twice",
  ],
  [
    "an unknown environment",
    ["name: a, weekly: { days: fri }, environments: [prod]"],
    "freezes[0].environments[0]: there is no environment 'prod'",
  ],
  [
    "an unknown site",
    ["name: a, weekly: { days: fri }, sites: [shoop]"],
    "freezes[0].sites[0]: there is no site 'shoop'",
  ],
  [
    "a day that is none",
    ["name: a, weekly: { days: friday }"],
    'freezes[0].weekly.days: found the text "friday", wanted days of the week such as mon-thu or mon,wed,fri',
  ],
  [
    "a date that is none",
    ["name: a, yearly: { from: 02-30, to: 03-01 }"],
    'freezes[0].yearly.from: found the text "02-30", wanted a month and a day such as 12-24',
  ],
] as const)("a freeze with %s is refused", (_, entries, sentence) => {
  expect(sentences(freezes(...entries))).toEqual([sentence]);
});

test.each([
  [
    "window: { days: mon-thu, hours: 9-15, zone: Europe/Oslo }",
    'environments[0].gates.window.hours: found the text "9-15", wanted hours such as "09:00-15:00" or, over midnight, "22:00-04:00"',
  ],
  [
    'window: [{ days: mon, hours: "09:00-15:00", zone: Oslo }]',
    'environments[0].gates.window[0].zone: found the text "Oslo", wanted the name of a time zone such as Europe/Oslo or UTC',
  ],
  [
    "window: business-hours",
    'environments[0].gates.window: found the text "business-hours", wanted a window such as { days: mon-thu, hours: "09:00-15:00", zone: Europe/Oslo }, or a list of them',
  ],
  [
    'window: { days: mon, hours: "09:00-15:00", zon: UTC, zone: UTC }',
    "environments[0].gates.window.zon: unknown key 'zon'",
  ],
  [
    'window: { days: mon, hours: "09:00-10:00", zone: UTC }, soak: 50m',
    "environments[0].gates.window: no wave would ever start: the longest window is 1h, an observation may take 2h 30m (soak and maxWait)",
  ],
  [
    "attended: { within: 30 }",
    "environments[0].gates.attended.within: found the number 30, wanted a duration with its unit, such as 30s, 5m or 1h30m",
  ],
  [
    "attended: maybe",
    'environments[0].gates.attended: found the text "maybe", wanted true, or for how long it holds, such as { within: 30m }',
  ],
  [
    "approval: [{ role: dba, count: 0 }]",
    "environments[0].gates.approval[0].count: found the number 0, wanted a whole number of people from 1 to 20",
  ],
  ["approval: [dba, { role: dba, count: 2 }]", "environments[0].gates.approval[1]: role 'dba' is listed twice"],
  ["coverage: sometimes", 'environments[0].gates.coverage: found the text "sometimes", wanted true or false'],
] as const)("gates { %s } are refused at the very place", (gates, sentence) => {
  expect(sentences(fleetText({ environment: `gates: { ${gates} }` }))).toEqual([sentence]);
});

test("gates are read with roles as one person each and attendance as half an hour", () => {
  const text =
    'gates: { approval: [dba, { role: cab, count: 2 }], attended: true, window: { days: mon-thu, hours: "09:00-15:00", zone: Europe/Oslo } }';
  expect(parsed(fleetText({ environment: text })).environments[0]?.gates).toMatchObject({
    approval: [
      { role: "dba", count: 1 },
      { role: "cab", count: 2 },
    ],
    attendedWithinMs: 1_800_000,
    windows: [{ days: ["mon", "tue", "wed", "thu"], opens: 540, closes: 900, zone: "Europe/Oslo" }],
  });
});
