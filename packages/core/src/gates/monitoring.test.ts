import { expect, test } from "vitest";
import type { ProbedBinding, SiteDuties } from "../intent/intent.ts";
import type { Hop } from "../probing/probe-result.ts";
import { durationMs, type Instant, instant, seconds } from "../units/time.ts";
import { findUnheard, type MonitoringQuestion } from "./monitoring.ts";

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

type Heard = MonitoringQuestion["heardAt"];

/** Answers that came in at these moments, by binding and hop. */
const heard =
  (...answers: readonly (readonly [binding: string, hop: Hop, at: Instant])[]): Heard =>
  (way) =>
    answers.findLast(([binding, hop]) => binding === way.binding && hop === way.hop)?.[2];

const unheard = (heardAt: Heard, now: Instant, probeEveryMs?: number): readonly string[] =>
  findUnheard({ now, heardAt, host: "web-1", duties: [duties(probeEveryMs)] }).map(({ sentence }) => sentence);

test("a host of which every way in has answered lately is heard of", () => {
  const log = heard(
    ["shop.internal", "proxy", at(0)],
    ["www.shop.example", "front", at(0)],
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
