import { expect, test } from "vitest";
import { type EvidenceLog, emptyEvidence, withBatch } from "../health/evidence.ts";
import type { ProbedBinding, SiteDuties } from "../intent/intent.ts";
import type { Hop, ProbeResult } from "../probing/probe-result.ts";
import { durationMs, type Instant, instant, seconds } from "../units/time.ts";
import { findUnheard } from "./monitoring.ts";

const at = (ms: number): Instant => instant(1_700_000_000_000 + ms);

const internal: ProbedBinding = {
  name: "shop.internal",
  kind: "internal",
  bindingPort: 8080,
  address: "127.0.0.1",
  port: 8080,
  tls: false,
  shared: false,
};
const edged: ProbedBinding = {
  ...internal,
  name: "www.shop.example",
  kind: "public",
  shared: true,
  edge: "https://www.shop.example",
};

const duties = (probeEveryMs = 1000): SiteDuties => ({
  site: "shop",
  forward: { host: "preserve" },
  drainMs: seconds(5),
  keepPreviousMs: seconds(60),
  probeEveryMs: durationMs(probeEveryMs),
  probeToken: "",
  probes: [{ method: "GET", path: "/", headers: {}, expect: [200], timeoutMs: seconds(5) }],
  bindings: [internal, edged],
});

/** Results that came in at these moments, by binding and hop. */
function heard(
  ...results: readonly (readonly [binding: string, hop: Hop, at: Instant, outcome?: ProbeResult["outcome"]])[]
): EvidenceLog {
  return results.reduce(
    (log, [binding, hop, when, outcome = { kind: "good", status: 200 }], seq) =>
      withBatch(log, {
        host: "web-1",
        epoch: at(0),
        seq: seq + 1,
        heardAt: when,
        results: [
          { host: "web-1", site: "shop", binding, hop, probe: "GET /", at: when, tookMs: 1, outcome } as ProbeResult,
        ],
      }),
    emptyEvidence,
  );
}

const unheard = (evidence: EvidenceLog, now: Instant, probeEveryMs?: number): readonly string[] =>
  findUnheard({ now, evidence, host: "web-1", duties: [duties(probeEveryMs)] }).map(({ sentence }) => sentence);

test("a host of which every way in has answered lately is heard of, whether the answers were good or bad", () => {
  const bad = { kind: "bad", reason: "answered 400" } as ProbeResult["outcome"];
  const log = heard(
    ["shop.internal", "proxy", at(0)],
    ["www.shop.example", "front", at(0), bad],
    ["www.shop.example", "edge", at(0)],
  );
  expect(unheard(log, at(30_000))).toEqual([]);
});

test("each way in that fell silent or never spoke is told", () => {
  const log = heard(["shop.internal", "proxy", at(0)], ["www.shop.example", "edge", at(60_000)]);
  expect(unheard(log, at(61_000))).toEqual([
    "shop.internal via proxy on web-1 was last heard of 1m 1s ago",
    "www.shop.example via front on web-1 was never heard of",
  ]);
});

test("an edge that never told which host answered is left to the verdict, one that did and fell silent is not", () => {
  const ways = [
    ["shop.internal", "proxy", at(60_000)],
    ["www.shop.example", "front", at(60_000)],
  ] as const;
  expect(unheard(heard(...ways), at(61_000))).toEqual([]);
  expect(unheard(heard(["www.shop.example", "edge", at(0)], ...ways), at(61_000))).toEqual([
    "www.shop.example via edge on web-1 was last heard of 1m 1s ago",
  ]);
});

test("sites that are probed seldom may be silent for three rounds", () => {
  const log = heard(["shop.internal", "proxy", at(0)], ["www.shop.example", "front", at(0)]);
  expect(unheard(log, at(180_000), 60_000)).toEqual([]);
  expect(unheard(log, at(180_001), 60_000)).toHaveLength(2);
});
