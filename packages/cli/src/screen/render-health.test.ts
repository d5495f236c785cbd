import { GetHealthResponse, type HostHealth } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import pc from "picocolors";
import { expect, test } from "vitest";
import { latencyWords } from "./latency-words.ts";
import { renderHealth } from "./render-health.ts";

const colors = pc.createColors(false);
const day = 86_400_000;
const nowMs = 10 * day;

/** Outcomes in the order of the contract. */
const outcomes = (ok: number, refused = 0, failed = 0): number[] => [ok, 0, 0, 0, 0, refused, failed];
/** All requests between 3.4 and 4 ms, some between 27 and 32 ms. */
const latency = (fast: number, slow: number): number[] => [...Array(16).fill(0), fast, ...Array(11).fill(0), slow];

/** The `count` newest blocks, all closed by now. */
const blocks = (count: number, of: (index: number) => number[]) =>
  Array.from({ length: count }, (_, index) => ({
    startsAtMs: nowMs - (count - index) * 10_000,
    outcomes: of(index),
    latency: latency(of(index)[0] ?? 0, 0),
  }));

const traffic = (unusual: object = {}) => ({
  binding: "www.shop.example",
  bindingPort: 443,
  hop: "front",
  newest: blocks(6, () => outcomes(10)),
  history: { outcomes: outcomes(28_800, 0, 3), latency: latency(27_000, 1800) },
  ...unusual,
});

const health = (host: object): GetHealthResponse =>
  GetHealthResponse.fromPartial({
    site: "shop",
    nowMs,
    blockMs: 10_000,
    sinceMs: nowMs - day + 7000,
    hosts: [{ host: "web-1", environment: "production", ...host } as HostHealth],
  });

test("health is traffic now and over the day, then the probes' last rounds, for each host", () => {
  const round = (index: number, outcome: object) => ({ roundMs: nowMs - 4000 - index * 10_000, outcome });
  const good = { $case: "good", value: { status: 200 } };
  const bad = { $case: "bad", value: { status: 400, reason: "answered 400, expected 200" } };
  const shown = renderHealth(
    health({
      traffic: [traffic({ newest: blocks(6, () => outcomes(8, 2)) })],
      probes: [
        {
          binding: "www.shop.example",
          bindingPort: 8443,
          hop: "edge",
          probe: "GET /",
          newest: [round(2, good), round(1, { $case: "unknown", value: { reason: "?" } }), round(0, bad)],
          good: 8600,
          bad: 12,
        },
      ],
      droppedBlocks: 7,
      droppedSinceMs: nowMs - 3_600_000,
    }),
    colors,
  );
  expect(shown).toBe(
    `web-1 (production)
TRAFFIC           HOP    IN  REQUESTS  FAILED     REFUSED   P50    P95
www.shop.example  front  1m  60        -          12 (20%)  4.0ms  4.0ms
                         1d  28,803    3 (0.01%)  -         4.0ms  32ms
PROBES                 HOP   PROBE  NEWEST ROUNDS  ALL                        LAST
www.shop.example:8443  edge  GET /  ✓?✗            8,600 of 8,612 good in 1d  4s ago: answered 400, expected 200
! web-1: 7 blocks of traffic got lost before they were sent in the last 1h`,
  );
});

test.each([
  ["users that stay away", blocks(6, (index) => outcomes(index < 2 ? 10 : 0)), "silent for 40s"],
  ["users that stay away for long", blocks(6, () => []), "silent for 1m or more"],
  ["a quiet moment", blocks(6, (index) => outcomes(index < 4 ? 10 : 0)), undefined],
  ["blocks that stay away", blocks(12, () => outcomes(10)).slice(0, 6), "not counted for 1m"],
  ["no block at all", [], "nothing counted lately"],
])("%s are said", (_what, newest, words) => {
  const row = renderHealth(health({ traffic: [traffic({ newest })] }), colors).split("\n")[2];
  if (words === undefined) expect(row).toMatch(/ms$/);
  else expect(row?.endsWith(words)).toBe(true);
});

test("a host of which nothing is known says so, and so does a site without hosts", () => {
  expect(renderHealth(health({}), colors)).toContain("nothing was counted and no probe was answered yet");
  expect(renderHealth(GetHealthResponse.fromPartial({ site: "shop" }), colors)).toBe("no host carries the site shop");
});

test("latency is as exact as its buckets are", () => {
  expect(latencyWords([], 0.5)).toBe("-");
  expect(latencyWords(latency(90, 10), 0.9)).toBe("4.0ms");
  expect(latencyWords(latency(90, 10), 0.95)).toBe("32ms");
  expect(latencyWords([...Array(73).fill(0), 1], 0.5)).toBe("> 65s");
});
