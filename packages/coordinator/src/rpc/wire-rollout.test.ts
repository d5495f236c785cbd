import { startRollout, type VerdictRow } from "@sluice/core";
import { at, rollout } from "@sluice/core/rollout/rollout-builders";
import { expect, test } from "vitest";
import { toWireRollout } from "./wire-rollout.ts";

const stored = { rollout: rollout(), state: startRollout(rollout(), at(0)), number: 1 };
const light = { now: at(0), waitingOn: [], gates: [], hosts: {} };

const row: VerdictRow = {
  host: "web-1",
  stratum: { site: "shop", binding: "app.com", bindingPort: 443, hop: "proxy", source: "traffic", indicator: "failed" },
  required: true,
  state: "fine",
  since: at(0),
  observedMs: 0 as VerdictRow["observedMs"],
  now: { requests: 10, bad: 0 },
  before: { requests: 100, bad: 1 },
  others: { requests: 30, bad: 0, hosts: 3 },
  references: "both",
  evidence: 1,
  bar: 10_000,
  ruledOut: 0.1,
};

test("a rollout carries the table behind its verdict only for those who ask for it", () => {
  expect(toWireRollout(stored, light).evidence).toEqual([]);
  expect(toWireRollout(stored, { ...light, evidence: [row] }).evidence).toMatchObject([
    { host: "web-1", indicator: "failed", now: { requests: 10, bad: 0 }, others: { requests: 30 }, otherHosts: 3 },
  ]);
});

test("what a sentence sums up goes with it", () => {
  const waiting = {
    kind: "evidence",
    sentence: "a; b; and 1 more like these",
    details: ["a", "b", "c"],
    hosts: [],
  } as const;
  expect(toWireRollout(stored, { ...light, waitingOn: [waiting] }).waitingOn).toEqual([
    { ...waiting, untilMs: undefined },
  ]);
});
