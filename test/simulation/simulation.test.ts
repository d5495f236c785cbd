import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { playSeeds } from "./play-seeds.ts";
import { runHistory } from "./run-history.ts";

/** A quarter of a minute where two cores have nothing else to do; `simulate.ts` plays as many as one likes. */
const histories = 1500;

/** The histories are counted, not timed: a machine shared with others may take its time. */
const timeoutMs = 900_000;

/** What has to happen in so many histories for the promises to mean something. */
const outcomes = [
  "activate done",
  "restart done",
  "revert done",
  "ready",
  "probes-before",
  "probes-after after the switch",
  "crashed after the switch",
  "interrupted",
  "interrupted after the switch",
  "unconfirmed",
  "withdrawn",
  "cold start",
  "one-way held",
  "skipped",
  "late host follows",
  "reboot done",
  "reboot held",
  "reboot refused",
  "turn ended unused",
  "agent on trial",
  "keeper on trial",
  "keeper changed",
  "keeper silent",
  "keeper put down",
  ...["start", "probes-after", "withdrawn", "unconfirmed", "interrupted"].map((end) => `keeper change ${end}`),
  "pair on trial",
  "pair proven",
  "agent changed",
  ...["start", "probes-after", "withdrawn", "unconfirmed"].map((end) => `agent change ${end}`),
  "trial over: the host or its watchdog restarted before it was confirmed",
  "trial over: it ended",
  "trial over: it did not report",
  "wave started past gates",
  "installed ahead",
  "disk full on a host",
  "disk full of the coordinator",
  ...["freeze", "window", "approval", "attended", "representativeness", "coverage", "monitoring"].map(
    (gate) => `override ${gate}`,
  ),
];

test(
  `every promise is kept in ${histories} histories, and all that may happen to a rollout or an activation happens in them`,
  async () => {
    const { ended, reached, broken } = await playSeeds({ first: 1, last: histories }, availableParallelism());
    expect(broken, `node test/simulation/simulate.ts --seed ${broken?.seed} --trace`).toBeUndefined();
    for (const phase of ["completed", "reverted", "aborted"]) expect(ended[phase]).toBeGreaterThan(histories / 10);
    expect(reached["hand seen"], "a change by hand is seen where nobody made one").toBeUndefined();
    for (const outcome of outcomes) expect(reached[outcome], outcome).toBeGreaterThan(0);
  },
  timeoutMs,
);

test("the same seed plays the same history, event by event", () => {
  for (let seed = 1; seed <= 25; seed++) expect(runHistory(seed).traceHash).toBe(runHistory(seed).traceHash);
});

test("a history is the same on a thread of its own", async () => {
  const { ended, reached } = runHistory(7);
  const played = await playSeeds({ first: 7, last: 7 }, 1);
  expect(played).toEqual({ histories: 1, ended, reached });
});

test("different seeds play different histories", () => {
  const hashes = new Set(Array.from({ length: 25 }, (_, index) => runHistory(index + 1).traceHash));
  expect(hashes.size).toBe(25);
});
