import { expect, test } from "vitest";
import { findRegressed } from "./find-regressed.ts";
import { probeStratum } from "./health-builders.ts";
import type { Weighed } from "./weigh.ts";

const logBar = Math.log(10_000);

const weighed = (more: Partial<Weighed> = {}, badInRow = 0): Weighed => ({
  test: { stratum: probeStratum, badInRow } as Weighed["test"],
  references: "both",
  logEvidence: 0,
  logShown: 0,
  logBar,
  ...more,
});

test("a stratum that reaches its bar halts and is blamed alone", () => {
  const guilty = weighed({ logEvidence: logBar });
  expect(findRegressed([weighed({ logEvidence: Math.log(9000) }), guilty])).toEqual([guilty]);
});

test("strata that are too weak alone halt together, and only as many are blamed as it takes", () => {
  const half = Array.from({ length: 4 }, () => weighed({ logEvidence: Math.log(5001) }));
  expect(findRegressed(half)).toHaveLength(2);
  expect(findRegressed(half.slice(0, 1))).toEqual([]);
});

test("probes that changed beyond doubt halt at 20 : 1 that the others do not share it", () => {
  const sure = (notShared: number) => weighed({ lenient: { logChanged: logBar, logNotShared: Math.log(notShared) } });
  expect(findRegressed([sure(21)])).toHaveLength(1);
  expect(findRegressed([sure(19)])).toEqual([]);
  expect(findRegressed([weighed({ lenient: { logChanged: logBar - 0.1, logNotShared: 9 } })])).toEqual([]);
});

test("an outage of a hundred probes that the others share adds up to nothing", () => {
  const outage = Array.from({ length: 100 }, () => weighed({ lenient: { logChanged: 500, logNotShared: 0 } }));
  expect(findRegressed(outage)).toEqual([]);
});

test("three failures in a row of a probe without any reference are enough", () => {
  expect(findRegressed([weighed({ references: "nothing" }, 3)])).toHaveLength(1);
  expect(findRegressed([weighed({ references: "nothing" }, 2), weighed({ references: "both" }, 3)])).toEqual([]);
});
