import { expect, test } from "vitest";
import { instant, seconds } from "../units/time.ts";
import { judgeByProbes } from "./judge-by-probes.ts";
import type { StratumEvidence } from "./verdict.ts";

const now = instant(1_000_000);
const block = (bad: number) => ({ startsAt: now, requests: 4, bad });

function evidence(more: Partial<StratumEvidence> = {}, hop: "proxy" | "edge" = "edge"): StratumEvidence {
  return {
    host: "web-1",
    stratum: { site: "shop", binding: "www.shop.example", hop, source: "probe", indicator: "failure" },
    required: true,
    blocks: [block(0)],
    history: { cleanBlocks: 391, badBlocks: [] },
    controls: [],
    badInRow: 0,
    goodInRow: 3,
    coveredMs: seconds(21),
    heardAt: now,
    ...more,
  };
}

const failing = { badInRow: 3, goodInRow: 0, lastFailure: "answered 400, expected 200" };
const judge = (...strata: StratumEvidence[]) =>
  judgeByProbes({ now, since: now, soakMs: seconds(20), freshMs: seconds(30), strata });

test("three good answers in a row everywhere are a pass", () => {
  expect(judge(evidence(), evidence({}, "proxy")).kind).toBe("pass");
});

test("good answers from the beginning of the soak say nothing about its end", () => {
  const early = evidence({ goodInRow: 30, coveredMs: seconds(12) }, "proxy");
  expect(judge(evidence(), early)).toEqual({
    kind: "inconclusive",
    missing: ["www.shop.example via proxy on web-1 is known to be good for 12s of 20s"],
  });
});

test("good answers that are no news are no pass, however many there were", () => {
  const long = evidence({ goodInRow: 30, heardAt: instant(now - 31_000) }, "proxy");
  expect(judge(evidence(), long)).toEqual({
    kind: "inconclusive",
    missing: ["www.shop.example via proxy on web-1 was last heard of 31s ago"],
  });
});

test("three failures in a row are a regression with host, binding, hop, answer, history and what is not affected", () => {
  expect(judge(evidence(failing), evidence({}, "proxy"))).toEqual({
    kind: "regressed",
    reasons: [
      "www.shop.example via edge on web-1: 3 failures in a row since the switch, answered 400, expected 200; before it 0 of 391 blocks of ten seconds had failures; not affected: www.shop.example via proxy",
    ],
  });
});

test("silence is not success: a required way without a result is named and waited for", () => {
  expect(judge(evidence(), evidence({ goodInRow: 0, blocks: [] }, "proxy"))).toEqual({
    kind: "inconclusive",
    missing: ["www.shop.example via proxy on web-1 has no result since the switch, needs 3 more in a row"],
  });
});

test("nothing required is no pass", () => {
  expect(judge().kind).toBe("inconclusive");
  expect(judge(evidence({ required: false })).kind).toBe("inconclusive");
});

test("a failure at the end is neither pass nor regression", () => {
  expect(judge(evidence({ badInRow: 1, goodInRow: 0 })).kind).toBe("inconclusive");
});

test("a way that is not required halts nothing", () => {
  expect(judge(evidence(), evidence({ ...failing, required: false }, "proxy")).kind).toBe("pass");
});

test("what failed before the change as well is not its doing, and no pass either", () => {
  const history = { cleanBlocks: 0, badBlocks: [block(4)] };
  expect(judge(evidence({ ...failing, history }))).toMatchObject({
    kind: "inconclusive",
    missing: [expect.stringContaining("failed before")],
  });
});

test("what fails on all hosts that were not changed is not its doing, and no pass either", () => {
  const controls = [
    { host: "web-2", blocks: [block(4)] },
    { host: "web-3", blocks: [] },
  ];
  expect(judge(evidence({ ...failing, controls })).kind).toBe("inconclusive");
  expect(judge(evidence({ ...failing, controls: [...controls, { host: "web-4", blocks: [block(0)] }] })).kind).toBe(
    "regressed",
  );
});
