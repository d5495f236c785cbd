import {
  defaultHealthSettings,
  feedEvidence,
  feedFrom,
  type HealthSettings,
  type HealthState,
  type HostTraffic,
  instant,
  judgeTests,
  minutes,
  startTests,
  type TestedStratum,
  testHost,
} from "@sluice/core";
import { isLatency, trafficIndicators } from "@sluice/core/health/tested-stratum";
import { createPrng, type Prng } from "../../simulation/prng.ts";
import { poisson } from "../poisson.ts";
import { type Bar, type Study, shareText } from "../study.ts";

const hosts = ["web-1", "web-2", "web-3", "web-4"];
const historyBlocks = 720;
const blocksPerHost = 60;
const ways = [
  { binding: "app.com", perSecond: 4 },
  { binding: "small.app.com", perSecond: 0.5 },
].map(({ binding, perSecond }) => ({ site: "shop", binding, bindingPort: 443, hop: "proxy" as const, perSecond }));

const strata: readonly TestedStratum[] = ways.flatMap(({ perSecond: _, ...way }) =>
  trafficIndicators
    .filter((one) => !isLatency(one))
    .map((indicator) => ({ ...way, source: "traffic" as const, indicator })),
);

const noTolerance: HealthSettings = {
  ...defaultHealthSettings,
  maxWaitMs: minutes(10),
  tolerance: { ...defaultHealthSettings.tolerance, errors: { ratio: 1, margin: 0 } },
};

/** End of health-verdict §3.2: four hosts in turn, ten minutes each, every one of them tested until the end. */
export const wholeRollouts: Study = {
  name: "whole-rollouts",
  title: `rollouts over 4 hosts x ${strata.length} strata, 10 minutes each, 1 % of bad requests of each kind, halted although nothing is wrong`,
  run({ runs, seed }) {
    const fewer = Math.max(2, Math.floor(runs / 4));
    const bars: Bar[] = [];
    const rows = [0.01, 0.05].map((falseHalt) => {
      let halted = 0;
      let passed = 0;
      for (let i = 0; i < fewer; i++) {
        const end = roll(createPrng(seed + i), { ...noTolerance, falseHalt });
        if (end === "halted") halted++;
        if (end === "passed") passed++;
      }
      const name = `at most ${falseHalt * 100} %`;
      bars.push({
        promise: `false halts of whole rollouts: ${name}`,
        measured: shareText(halted, fewer),
        kept: halted <= falseHalt * fewer,
      });
      return [name, shareText(halted, fewer), shareText(passed, fewer)];
    });
    return { columns: ["promised", "halted", "every host passed within its ten minutes"], rows, bars };
  },
};

function roll(prng: Prng, settings: HealthSettings): "halted" | "passed" | "waiting" {
  const planned = hosts.map((host) => ({ host, environment: "production", changes: true, strata }));
  let state: HealthState = startTests({ settings: { production: { shop: settings } }, hosts: planned });
  let block = historyBlocks;
  const traffic = range(0, block).flatMap((index) => trafficOf(prng, index));
  let passed = 0;
  for (const host of hosts) {
    state = testHost(state, { host, since: at(block), history: { traffic, probes: [] } });
    let verdict: string = "inconclusive";
    for (const end = block + blocksPerHost; block < end; ) {
      traffic.push(...trafficOf(prng, block));
      block++;
      const from = feedFrom(state) ?? at(block);
      const fresh = traffic.filter((one) => one.block.startsAt >= from);
      state = feedEvidence(state, { traffic: fresh, trafficUntil: at(block), probes: [], probesUntil: at(block) });
      verdict = judgeTests(state, { now: at(block), hosts: [host] }).kind;
      if (verdict === "regressed") return "halted";
    }
    if (verdict === "pass") passed++;
  }
  return passed === hosts.length ? "passed" : "waiting";
}

const range = (from: number, until: number): readonly number[] =>
  Array.from({ length: until - from }, (_, index) => from + index);

const at = (block: number) => instant(block * 10_000);

function trafficOf(prng: Prng, block: number): readonly HostTraffic[] {
  return hosts.flatMap((host) =>
    ways.map(({ perSecond, ...way }) => ({
      host,
      block: { ...way, startsAt: at(block), outcomes: outcomesOf(prng, perSecond * 10), latency: [] },
    })),
  );
}

function outcomesOf(prng: Prng, requests: number) {
  const bad = () => poisson(prng, requests * 0.01);
  return {
    ok: poisson(prng, requests * 0.94),
    failed: bad(),
    refused: bad(),
    "not-found": bad(),
    denied: bad(),
    limited: bad(),
    redirected: bad(),
  };
}
