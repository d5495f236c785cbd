import fc from "fast-check";
import { expect, test } from "vitest";
import type { ProbeOutcome, ProbeResult } from "../probing/probe-result.ts";
import { instant } from "../units/time.ts";
import { blockMs, type EvidenceLog, emptyEvidence, evidenceFor, type ProbeBatch, withBatch } from "./evidence.ts";
import type { StratumEvidence } from "./verdict.ts";

const start = 1_000_000;
const good: ProbeOutcome = { kind: "good", status: 200 };
const bad: ProbeOutcome = { kind: "bad", status: 400, reason: "answered 400, expected 200" };
const unknown: ProbeOutcome = { kind: "unknown", reason: "the edge led elsewhere" };
const stratum = { site: "shop", binding: "app.com", hop: "edge", source: "probe", indicator: "failure" } as const;

const result = (second: number, outcome: ProbeOutcome, more: Partial<ProbeResult> = {}): ProbeResult => ({
  host: "web-1",
  site: "shop",
  binding: "app.com",
  hop: "edge",
  probe: "GET /",
  at: instant(start + second * 1000),
  tookMs: 1,
  outcome,
  ...more,
});

const batch = (seq: number, results: readonly ProbeResult[], host = "web-1"): ProbeBatch => ({
  host,
  epoch: instant(1),
  seq,
  heardAt: instant(start + seq),
  results,
});

function ask(log: EvidenceLog, sinceSecond: number, nowSecond: number): StratumEvidence {
  const [found] = evidenceFor(log, {
    now: instant(start + nowSecond * 1000),
    changed: [{ host: "web-1", since: instant(start + sinceSecond * 1000) }],
    controls: ["web-1", "web-2"],
    strata: [{ host: "web-1", stratum, required: true }],
  });
  if (found === undefined) throw new Error("every stratum asked for gets an answer");
  return found;
}

test("the silence of a stratum is that of its probe that has been silent longest, by the listener's clock", () => {
  const first = withBatch(emptyEvidence, batch(1, [result(1, good), result(1, good, { probe: "GET /healthz" })]));
  const second = withBatch(first, batch(2, [result(2, good)]));
  expect(ask(second, 0, 60)).toMatchObject({ heardAt: start + 1, coveredMs: 1000 });
});

test("results become blocks of ten seconds, before and since the change, and open blocks do not count yet", () => {
  const log = withBatch(
    emptyEvidence,
    batch(1, [result(1, bad), result(2, good), result(11, good), result(21, good), result(22, bad), result(31, good)]),
  );
  const found = ask(log, 20, 35);
  expect(found.history).toMatchObject({ cleanBlocks: 1, badBlocks: [{ requests: 2, bad: 1 }] });
  expect(found.blocks).toEqual([{ startsAt: start + 20_000, requests: 2, bad: 1 }]);
  expect(found).toMatchObject({ goodInRow: 1, badInRow: 0, lastFailure: "answered 400, expected 200" });
});

test("results before the change are no evidence for it", () => {
  const log = withBatch(emptyEvidence, batch(1, [result(1, good), result(2, good), result(3, good)]));
  expect(ask(log, 10, 60)).toMatchObject({ goodInRow: 0, badInRow: 0, blocks: [] });
});

test("unknown results leave no trace", () => {
  const log = withBatch(emptyEvidence, batch(1, [result(21, unknown), result(22, unknown), result(23, unknown)]));
  expect(ask(log, 20, 60)).toMatchObject({ goodInRow: 0, badInRow: 0, blocks: [] });
});

test("one probe of a binding that fails for good is not hidden by another that is fine", () => {
  const results = [1, 2, 3].flatMap((second) => [
    result(second, bad, { probe: "GET /a" }),
    result(second, good, { probe: "GET /b" }),
  ]);
  expect(ask(withBatch(emptyEvidence, batch(1, results)), 0, 60)).toMatchObject({ badInRow: 3, goodInRow: 0 });
});

test("controls are the same way on other hosts in the same time", () => {
  const log = withBatch(emptyEvidence, batch(1, [result(5, good), result(25, bad, { host: "web-2" })], "web-2"));
  expect(ask(log, 20, 60).controls).toEqual([
    { host: "web-2", blocks: [{ startsAt: start + 20_000, requests: 1, bad: 1 }] },
  ]);
});

test("a stratum nobody has heard of is answered with nothing, not left out", () => {
  expect(ask(emptyEvidence, 0, 60)).toMatchObject({ required: true, blocks: [], goodInRow: 0 });
});

test("a new agent counts its batches anew, and words of the old one come too late", () => {
  const first = withBatch(emptyEvidence, { ...batch(9, [result(1, good)]), epoch: instant(1) });
  const second = withBatch(first, { ...batch(1, [result(2, good)]), epoch: instant(2) });
  expect(ask(second, 0, 60).goodInRow).toBe(2);
  expect(withBatch(second, { ...batch(10, [result(3, good)]), epoch: instant(1) })).toBe(second);
});

test("hearing batches again changes nothing, and no result is counted twice", () => {
  const outcomes = fc.array(fc.array(fc.constantFrom(good, bad, unknown), { maxLength: 5 }), { maxLength: 8 });
  fc.assert(
    fc.property(outcomes, (batches) => {
      let second = 0;
      const sent = batches.map((list, index) =>
        batch(
          index + 1,
          list.map((outcome) => result(second++, outcome)),
        ),
      );
      const once = sent.reduce(withBatch, emptyEvidence);
      const twice = sent.flatMap((one, index) => [one, ...sent.slice(0, index + 1)]).reduce(withBatch, emptyEvidence);
      expect(twice).toEqual(once);
      const counted = ask(once, 0, 10_000).blocks.reduce((sum, one) => sum + one.requests, 0);
      expect(counted).toBe(batches.flat().filter((outcome) => outcome !== unknown).length);
    }),
  );
  expect(blockMs).toBe(10_000);
});
