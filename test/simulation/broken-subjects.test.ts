import { describe, expect, test } from "vitest";
import { brokenSubjects } from "./broken-subjects.ts";
import { runHistory } from "./run-history.ts";
import { subject } from "./subject.ts";

/** How many histories a fault may stay hidden in. */
const auditedMax = 1000;

/** The histories are counted, not timed: a machine shared with others may take its time. */
const timeoutMs = 900_000;

describe("the simulation notices when the decisions are broken on purpose", () => {
  test.each(brokenSubjects)(
    "a system that $name",
    ({ subject: broken, caughtAs, rareSeed = 1 }) => {
      expect(broken).not.toBe(subject);
      let caught = runHistory(rareSeed, { subject: broken }).broken;
      for (let seed = 1; seed <= auditedMax && !caughtAs.test(caught ?? ""); seed++) {
        caught = runHistory(seed, { subject: broken }).broken;
      }
      expect(caught).toMatch(caughtAs);
    },
    timeoutMs,
  );
});
