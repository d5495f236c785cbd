import { expect, test } from "vitest";
import { brokenSubjects } from "./broken-subjects.ts";
import type { HistoryOptions } from "./history-options.ts";
import { playHistory, runHistory } from "./run-history.ts";
import { shrinkHistory } from "./shrink-history.ts";
import { telltaleSeeds } from "./telltale-seeds.ts";

const fault = "takes an acknowledgement that has expired";

function broken() {
  const subject = brokenSubjects.find(({ name }) => name === fault)?.subject;
  const seed = telltaleSeeds[fault];
  if (subject === undefined || seed === undefined) throw new Error(`no seed is known that shows a core that ${fault}`);
  const play = (options: HistoryOptions) => playHistory(options, { subject, trace: true });
  return { found: runHistory(seed, { subject, trace: true }), play };
}

const promiseOf = (words: string | undefined): string | undefined => words?.split(":")[0];

test("a history that breaks a promise is made smaller, and the small one breaks the same promise whenever it is played", () => {
  const { found, play } = broken();
  const small = shrinkHistory(found, play, 60);
  expect(promiseOf(small.broken)).toBe(promiseOf(found.broken));
  expect(small.trace.length).toBeLessThan(found.trace.length);
  expect(small.acts).toBeLessThan(found.acts);
  expect(play(JSON.parse(JSON.stringify(small.options))).traceHash).toBe(small.traceHash);
});

test("a smaller history that breaks another promise is not taken for it", () => {
  const { found } = broken();
  expect(shrinkHistory(found, (options) => ({ ...found, options, broken: "liveness: r-1 stands still" }), 60)).toBe(
    found,
  );
});

test("no more histories are played than allowed", () => {
  const { found } = broken();
  let played = 0;
  shrinkHistory(
    found,
    (options) => {
      played++;
      return { ...found, options };
    },
    7,
  );
  expect(played).toBe(7);
});
