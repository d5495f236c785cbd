import { durationMs, trafficIndicators } from "@sluice/core";
import pc from "picocolors";
import { expect, test } from "vitest";
import { evidenceRow, probeAt, trafficAt } from "../testing/evidence-rows.ts";
import { renderEvidence } from "./render-evidence.ts";

const options = { nowMs: 61_000, columns: Number.POSITIVE_INFINITY, colors: pc.createColors(false), allStrata: false };

const refused = evidenceRow({
  stratum: trafficAt({ indicator: "refused" }),
  required: true,
  state: "regressed",
  now: { requests: 40, bad: 40 },
  evidence: 22_354,
});

const needy = evidenceRow({
  stratum: probeAt(),
  required: true,
  state: "needs-more",
  now: { requests: 5, bad: 0 },
  before: { requests: 360, bad: 0 },
  others: { requests: 0, bad: 0, hosts: 0 },
  references: "history",
  missing: { requests: 28, takesMs: durationMs(280_000) },
});

const internal = trafficIndicators.map((indicator) =>
  evidenceRow({ stratum: trafficAt({ binding: "shop.internal", bindingPort: 80, indicator }) }),
);

test("evidence is a table, worst first, with one sentence for what is fine and one for what speaks against the change", () => {
  expect(renderEvidence([...internal, needy, refused], options)).toBe(
    `evidence since the change: web-1 for 1m
HOST   BINDING           HOP    OF       BAD         SINCE     BEFORE      OTHERS                  EVIDENCE    HALTS AT    STATE
web-1  www.shop.example  front  traffic  refused     40 of 40  0 of 3,912  0 of 12,004 on 3 hosts  22,354 : 1  10,000 : 1  regressed
web-1  www.shop.example  edge   GET /    unexpected  0 of 5    0 of 360    -                       < 1 : 1     10,000 : 1  needs 28 more good answers (about 4m 40s), before/after only
8 more strata are fine: shop.internal via front (8); --all-strata shows them
✗ www.shop.example via front on web-1: 40 of 40 requests were refused (400 or another 4xx) since the change; 0 of 3,912 before; on 3 other hosts 0 of 12,004 in the same time. Evidence 22,354 : 1 against chance (needs 10,000 : 1). Not affected: shop.internal via front (0 of 512), www.shop.example via edge (0 of 5)`,
  );
});

test("all strata have a row when asked for, and no sentence sums them up", () => {
  const all = renderEvidence([...internal, needy], { ...options, allStrata: true });
  expect(all.split("\n")).toHaveLength(1 + 1 + 9);
  expect(all).not.toContain("are fine");
});

test("a verdict without a blemish is one sentence", () => {
  expect(renderEvidence([evidenceRow()], options)).toBe(
    "evidence since the change: web-1 for 1m\n1 stratum is fine: www.shop.example via front (1); --all-strata shows them",
  );
});

test("many ways are counted, not listed", () => {
  const rows = Array.from({ length: 8 }, (_, index) =>
    evidenceRow({ stratum: trafficAt({ binding: `s${index}.example` }) }),
  );
  expect(renderEvidence(rows, options)).toContain("8 strata are fine: s0.example via front (1), s1.example");
  expect(renderEvidence(rows, options)).toContain("s4.example via front (1), 3 more ways; --all-strata");
});

test.each([
  [{ state: "no-data", missing: { requests: 8 } }, "no data, needs 8 more good requests"],
  [{ state: "no-data" }, "no data"],
  [{ state: "needs-more", missing: {} }, "was too bad before to exclude anything"],
  [{ state: "needs-more", missing: { requests: 0 } }, "needs a little more time"],
  [{ state: "shared" }, "shared with other hosts"],
  [{ state: "suspect", references: "others" }, "suspect, new: other hosts only"],
  [{ state: "silent", references: "nothing" }, "silent, nothing to compare with"],
] as const)("a state in words: %j", (unusual, words) => {
  const table = renderEvidence([evidenceRow(unusual)], options).split("\n");
  expect(table[2]).toMatch(new RegExp(`10,000 : 1 {2}${words.replaceAll("/", "\\/")}$`));
});

test("sentences keep within a terminal, and nothing is judged means nothing is said", () => {
  const narrow = renderEvidence([refused], { ...options, columns: 60 })
    .split("\n")
    .slice(3);
  expect(narrow.length).toBeGreaterThan(3);
  expect(narrow.every((line) => [...line].length <= 60)).toBe(true);
  expect(renderEvidence([], options)).toBe("");
});
