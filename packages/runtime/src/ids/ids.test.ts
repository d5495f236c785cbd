import { instant } from "@sluice/core/units/time";
import { expect, test } from "vitest";
import { createIds } from "./node-ids.ts";
import { createSequentialIds } from "./sequential-ids.ts";

test("ids sort in the order they were made, within a millisecond, across many and when the clock steps back", () => {
  let now = 1_700_000_000_000;
  const ids = createIds({ now: () => instant(now) });
  const made = Array.from({ length: 20_000 }, (_, at) => {
    if (at % 9000 === 8999) now -= 5000;
    else if (at % 50 === 0) now += 1;
    return ids.newId("r");
  });
  expect([...made].sort()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
  expect(made[0]).toMatch(/^r-[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
});

test("sequential ids are the same in every run", () => {
  const ids = createSequentialIds();
  expect([ids.newId("a"), ids.newId("b")]).toEqual([`a-${"1".padStart(32, "0")}`, `b-${"2".padStart(32, "0")}`]);
});
