import { durationMs, instant, type ProbeResult, type SiteDuties, seconds } from "@sluice/core";
import { createManualClock, type ManualClock } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import type { Prober } from "../drivers.ts";
import { duties } from "../slots/testing/builders.ts";
import { roundAt } from "./round-time.ts";
import { startProbing } from "./start-probing.ts";

const shop = duties({ site: "shop", probeEveryMs: seconds(10) });

/** One host: its own clock, and how far it is behind the coordinator's. */
function startHost(clock: ManualClock, options: { readonly behindMs?: number; readonly prober?: Prober } = {}) {
  const { behindMs = 0 } = options;
  const told: ProbeResult[] = [];
  const prober: Prober = options.prober ?? {
    round: async (asked, { hop }) => (hop === "listener" ? [answer(asked)] : []),
  };
  const now = () => instant(clock.now() - behindMs);
  const answer = ({ site }: SiteDuties): ProbeResult => ({
    ...{ host: "web-1", site, binding: "a", hop: "proxy", probe: "GET /", at: now(), tookMs: 1 },
    outcome: { kind: "good", status: 200 },
  });
  const probing = startProbing({
    prober,
    clock: { ...clock, now },
    coordinatorTime: { now: () => clock.now() },
    sites: () => [{ duties: shop }],
    onResults: (results) => told.push(...results),
  });
  onTestFinished(() => probing[Symbol.asyncDispose]());
  return { probing, told, rounds: () => told.flatMap(({ round }) => (round === undefined ? [] : [round])) };
}

test("hosts with different clocks ask in the same rounds, each round once", async () => {
  const clock = createManualClock();
  const one = startHost(clock);
  await clock.advance(durationMs(3210));
  const other = startHost(clock, { behindMs: 3_600_000 });
  await clock.advance(seconds(60));
  expect(one.rounds()).toHaveLength(7);
  expect(other.rounds().slice(-5)).toEqual(one.rounds().slice(-5));
  expect(new Set(one.rounds()).size).toBe(7);
});

test("a site is asked at once when it comes up, which is no round, and then when its round begins", async () => {
  const clock = createManualClock();
  const begunAt = clock.now();
  const { told } = startHost(clock);
  await clock.advance(seconds(20));
  expect(told[0]).toMatchObject({ at: begunAt });
  expect(told[0]).not.toHaveProperty("round");
  expect(told.slice(1).map(({ at }) => at)).toEqual(told.slice(1).map(({ round }) => round));
});

test("after a switch a site is asked at once, and its next round comes when it would have come", async () => {
  const clock = createManualClock();
  const { probing, told, rounds } = startHost(clock);
  await clock.advance(seconds(11));
  const before = told.length;
  probing.now(["shop"]);
  await clock.advance(durationMs(1));
  expect(told.slice(before).map(({ round }) => round)).toEqual([undefined]);
  await clock.advance(seconds(10));
  expect(rounds().at(-1)).toBe(roundAt(clock.now(), "shop", seconds(10)));
});

test("a site that is to be watched is asked every two seconds until then, and again as usual", async () => {
  const clock = createManualClock();
  const { probing, rounds } = startHost(clock);
  await clock.advance(seconds(11));
  const before = rounds().length;
  probing.recheck({ site: "shop", everyMs: seconds(2), until: instant(clock.now() + 30_000) });
  await clock.advance(seconds(30));
  const watched = rounds().slice(before);
  expect(watched.length).toBeGreaterThanOrEqual(14);
  expect(new Set(watched.slice(1).map((round, index) => round - (watched[index] ?? round)))).toEqual(new Set([2000]));
  await clock.advance(seconds(40));
  expect(rounds().length - before - watched.length).toBeLessThanOrEqual(4);
});

test("a round that takes too long costs the rounds in its time, not those after it", async () => {
  const clock = createManualClock();
  let slowMs = 0;
  const prober: Prober = {
    round: async ({ site }, { hop }) => {
      if (hop !== "listener") return [];
      const at = clock.now();
      await clock.sleep(durationMs(slowMs));
      const asked = { host: "web-1", site, binding: "a", hop: "proxy", probe: "GET /", at, tookMs: slowMs } as const;
      return [{ ...asked, outcome: { kind: "good", status: 200 } }];
    },
  };
  const { told, rounds } = startHost(clock, { prober });
  await clock.advance(seconds(11));
  slowMs = 24_000;
  await clock.advance(seconds(10));
  slowMs = 0;
  await clock.advance(seconds(40));
  const lateMs = told.flatMap(({ at, round }) => (round === undefined ? [] : [at - round]));
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(1000);
  expect(rounds().at(-1)).toBe(roundAt(clock.now(), "shop", seconds(10)));
});

test("rounds of different sites do not fall on the same moment, and are the same on every host", () => {
  const sites = Array.from({ length: 20 }, (_, index) => `site-${index}`);
  const now = instant(1_767_600_123_456);
  const rounds = sites.map((site) => roundAt(now, site, seconds(10)));
  expect(new Set(rounds).size).toBe(20);
  for (const [index, site] of sites.entries()) {
    const round = rounds[index] ?? now;
    expect(roundAt(round, site, seconds(10))).toBe(round);
    expect(roundAt(instant(round + 9999), site, seconds(10))).toBe(round);
    expect(roundAt(instant(round + 10_000), site, seconds(10))).toBe(round + 10_000);
  }
});
