import { expect, test } from "vitest";
import { describeRollout, rolloutTable, summarizeSteps } from "./describe-rollout.ts";
import { broken, live, rollout, world } from "./rollout-builders.ts";

test("a status line says phase, wave, time left and what it waits for", () => {
  const it = world(rollout());
  it.settle();
  it.says("web-1", live);
  it.settle();
  it.silence("web-1");
  it.pass(10_000);
  const { waitingOn } = it.settle();
  expect(describeRollout(it.input.rollout, it.state, waitingOn, it.input.now)).toBe(
    "observing wave 1 of 2 in production, 20s left; waiting for web-1 to report",
  );
});

test("a halted rollout says why in one sentence", () => {
  const it = world(rollout({ onRegression: "hold" }));
  it.settle();
  it.says("web-1", broken);
  it.settle();
  expect(describeRollout(it.input.rollout, it.state, [], it.input.now)).toBe(
    "held because web-1: exited with code 1 on start; it never served a request there",
  );
});

test("the table has a row for each host in the order of change", () => {
  const it = world(rollout());
  it.settle();
  expect(
    rolloutTable(it.input.rollout, it.state).map(({ wave, host, state, detail }) => [wave, host, state, detail]),
  ).toEqual([
    [1, "web-1", "activating", "preparing the switch"],
    [2, "web-2", "pending", "not touched yet"],
    [2, "web-3", "pending", "not touched yet"],
  ]);
  expect(summarizeSteps(it.input.rollout, it.state)).toBe("activating: web-1; pending: web-2 and web-3");
});
