import { describe, expect, test } from "vitest";
import { brokenSubjects } from "./broken-subjects.ts";
import { runHistory } from "./run-history.ts";
import { subject } from "./subject.ts";
import { telltaleSeeds } from "./telltale-seeds.ts";

/** How many histories a fault may stay hidden in. */
const auditedMax = 2500;

/** The histories are counted, not timed: a machine shared with others may take its time. */
const timeoutMs = 900_000;

describe("the simulation notices when the decisions are broken on purpose", () => {
  test.each(brokenSubjects)(
    "a system that $name",
    ({ name, subject: broken, caughtAs }) => {
      expect(broken).not.toBe(subject);
      let caught = runHistory(telltaleSeeds[name] ?? 1, { subject: broken }).broken;
      for (let seed = 1; seed <= auditedMax && !caughtAs.test(caught ?? ""); seed++) {
        caught = runHistory(seed, { subject: broken }).broken;
      }
      expect(caught).toMatch(caughtAs);
    },
    timeoutMs,
  );
  test("no seed is kept for a fault that is not there any more", () => {
    const names = brokenSubjects.map(({ name }) => name);
    expect(Object.keys(telltaleSeeds).filter((name) => !names.includes(name))).toEqual([]);
  });
});
