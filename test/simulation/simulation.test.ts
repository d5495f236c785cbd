import { describe, expect, test } from "vitest";
import { brokenSubjects } from "./broken-subjects.ts";
import { runHistory } from "./run-history.ts";
import { subject } from "./subject.ts";

/** Well under a minute on one quiet core; `simulate.ts` plays as many as one likes. */
const histories = 2000;

/** The histories are counted, not timed: a machine shared with others may take its time. */
const timeoutMs = 900_000;

/** How many histories a fault may stay hidden in. */
const auditedMax = 1000;

test(
  `every promise is kept in ${histories} histories, and all that may happen to a rollout happens in them`,
  () => {
    const ended: Record<string, number> = {};
    for (let seed = 1; seed <= histories; seed++) {
      const result = runHistory(seed);
      expect(result.broken, `node test/simulation/simulate.ts --seed ${seed} --trace`).toBeUndefined();
      for (const [phase, count] of Object.entries(result.ended)) ended[phase] = (ended[phase] ?? 0) + count;
    }
    for (const phase of ["completed", "reverted", "aborted"]) expect(ended[phase]).toBeGreaterThan(histories / 10);
  },
  timeoutMs,
);

test("the same seed plays the same history, event by event", () => {
  for (let seed = 1; seed <= 25; seed++) expect(runHistory(seed).traceHash).toBe(runHistory(seed).traceHash);
});

test("different seeds play different histories", () => {
  const hashes = new Set(Array.from({ length: 25 }, (_, seed) => runHistory(seed).traceHash));
  expect(hashes.size).toBe(25);
});

describe("the simulation notices when the decisions are broken on purpose", () => {
  test.each(brokenSubjects)(
    "a system that $name",
    ({ subject: broken, caughtAs }) => {
      expect(broken).not.toBe(subject);
      let caught: string | undefined;
      for (let seed = 1; seed <= auditedMax && caught === undefined; seed++) {
        caught = runHistory(seed, { subject: broken }).broken;
      }
      expect(caught).toMatch(caughtAs);
    },
    timeoutMs,
  );
});
