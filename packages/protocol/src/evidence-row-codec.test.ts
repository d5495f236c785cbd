import { durationMs, instant, Problem, type VerdictRow } from "@sluice/core";
import { expect, test } from "vitest";
import { fromWireEvidenceRow, toWireEvidenceRow } from "./evidence-row-codec.ts";
import { EvidenceRow } from "./generated/sluice/types/v1/rollout.ts";

const ofTraffic: VerdictRow = {
  host: "web-1",
  stratum: {
    site: "shop",
    binding: "www.shop.example",
    bindingPort: 443,
    hop: "front",
    source: "traffic",
    indicator: "refused",
  },
  required: true,
  state: "regressed",
  since: instant(1_700_000_000_000),
  observedMs: durationMs(60_000),
  now: { requests: 40, bad: 40 },
  before: { requests: 3912, bad: 0 },
  others: { requests: 12_004, bad: 0, hosts: 3 },
  references: "both",
  evidence: 22_354.25,
  bar: 10_000,
  newestAt: instant(1_700_000_050_000),
  ruledOut: 1,
  toRuleOut: 0.05,
  missing: { requests: 30, takesMs: durationMs(30_000) },
};

const ofProbe: VerdictRow = {
  host: "web-1",
  stratum: {
    site: "shop",
    binding: "www.shop.example",
    bindingPort: 443,
    hop: "edge",
    source: "probe",
    probe: "GET /",
    indicator: "unexpected",
  },
  required: true,
  state: "no-data",
  since: instant(1_700_000_000_000),
  observedMs: durationMs(0),
  now: { requests: 0, bad: 0 },
  before: { requests: 0, bad: 0 },
  others: { requests: 0, bad: 0, hosts: 0 },
  references: "nothing",
  evidence: 1,
  bar: 1e300,
  ruledOut: 1,
  lastFailure: "answered 400, expected 200",
  missing: {},
};

const overTheWire = (row: VerdictRow): EvidenceRow =>
  EvidenceRow.decode(EvidenceRow.encode(toWireEvidenceRow(row)).finish());

test.each([
  ["traffic", ofTraffic],
  ["a probe", ofProbe],
])("a row of %s arrives as it was sent", (_what, row) => {
  expect(fromWireEvidenceRow(overTheWire(row))).toEqual(row);
});

test.each([
  ["state", { state: "splendid" }],
  ["hop", { hop: "moon" }],
  ["hop of traffic", { hop: "edge" }],
  ["indicator", { indicator: "sad" }],
  ["reference", { references: "stars" }],
])("a row with an unknown %s is no row", (noun, wrong) => {
  expect(() => fromWireEvidenceRow({ ...overTheWire(ofTraffic), ...wrong })).toThrow(
    new Problem(
      "message-invalid",
      `cannot read evidence row: '${Object.values(wrong)[0]}' is no ${noun} this version knows`,
    ),
  );
});
