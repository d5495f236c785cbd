import {
  defaultHealthSettings,
  feedEvidence,
  type HealthState,
  type HostTraffic,
  instant,
  judgeTests,
  type ProbeAnswer,
  type ProbeStratum,
  startTests,
  type TestedStratum,
  testHost,
} from "@sluice/core";
import { createPrng, type Prng } from "../../simulation/prng.ts";
import { poisson } from "../poisson.ts";
import { type Bar, type Study, shareText } from "../study.ts";

const historyBlocks = 180;
const perBlock = 20;
const way = { site: "shop", binding: "app.com", bindingPort: 443, hop: "proxy" } as const;
const failed: TestedStratum = { ...way, source: "traffic", indicator: "failed" };
const probe: ProbeStratum = { ...way, source: "probe", probe: "GET /", indicator: "unexpected" };

/** Number of hosts, and the share of all requests that fails while all of them have trouble. */
const scenes: readonly (readonly [string, number, number])[] = [
  ["2 hosts, everything fails", 2, 1],
  ["2 hosts, half of all", 2, 0.5],
  ["2 hosts, a fifth", 2, 0.2],
  ["4 hosts, everything fails", 4, 1],
  ["4 hosts, half of all", 4, 0.5],
  ["4 hosts, a fifth", 4, 0.2],
];

/** Trouble of all hosts that begins before the last wave does, which health-verdict simulates with controls only (§3.3). */
export const sharedOutages: Study = {
  name: "shared-outages",
  title:
    "all hosts have the same trouble for 20 s to 10 min, from some moment before the last wave on: halted although nothing is wrong with the change, and passed within a quarter of an hour after it ended",
  run({ runs, seed }) {
    const fewer = Math.max(4, Math.floor(runs / 4));
    const bars: Bar[] = [];
    const rows = scenes.map(([name, hosts, share], index) => {
      const ends = Array.from({ length: fewer }, (_, i) => play(createPrng(seed + index * 100_003 + i), hosts, share));
      const halted = ends.filter((end) => end === "halted").length;
      const passed = ends.filter((end) => end === "passed").length;
      bars.push({
        promise: `shared trouble, halted in 1 % at most: ${name}`,
        measured: shareText(halted, fewer),
        kept: halted <= 0.01 * fewer,
      });
      bars.push({
        promise: `shared trouble, passed within a quarter of an hour in half of all: ${name}`,
        measured: shareText(passed, fewer),
        kept: passed >= 0.5 * fewer,
      });
      return [name, shareText(halted, fewer), shareText(passed, fewer)];
    });
    return { columns: ["trouble", "halted", "passed"], rows, bars };
  },
};

/** The first host changes at block 0, all others in a last wave. */
function play(prng: Prng, count: number, share: number): "halted" | "passed" | "waiting" {
  const hosts = Array.from({ length: count }, (_, index) => `web-${index + 1}`);
  const lastWave = prng.whole(15, 60);
  const begins = prng.whole(-6, lastWave - 2);
  const ends = begins + prng.whole(2, 60);
  const rateAt = (block: number): number => (block >= begins && block < ends ? share : 0.002);
  const counted = Array.from({ length: historyBlocks }, (_, index) =>
    countOf(prng, hosts, index - historyBlocks, rateAt),
  );
  const until = Math.max(ends, lastWave) + 90;
  let state = changed(started(hosts), "web-1", 0, counted);
  for (let block = 0; block < until; block++) {
    if (block === lastWave) for (const host of hosts.slice(1)) state = changed(state, host, block, counted);
    const fresh = countOf(prng, hosts, block, rateAt);
    counted.push(fresh);
    state = feedEvidence(state, { ...fresh, trafficUntil: at(block + 1), probesUntil: at(block + 1) });
    const { kind } = judgeTests(state, { now: at(block + 1), hosts: block < lastWave ? ["web-1"] : hosts });
    if (kind === "regressed") return "halted";
    if (kind === "pass" && block >= Math.max(ends, lastWave)) return "passed";
  }
  return "waiting";
}

interface Counted {
  readonly traffic: readonly HostTraffic[];
  readonly probes: readonly ProbeAnswer[];
}

function started(hosts: readonly string[]): HealthState {
  const planned = hosts.map((host) => ({ host, environment: "production", changes: true, strata: [failed, probe] }));
  return startTests({ settings: { production: { shop: defaultHealthSettings } }, hosts: planned });
}

const changed = (state: HealthState, host: string, block: number, counted: readonly Counted[]): HealthState =>
  testHost(state, {
    ...{ host, since: at(block) },
    history: { traffic: counted.flatMap(({ traffic }) => traffic), probes: counted.flatMap(({ probes }) => probes) },
  });

const at = (block: number) => instant(1_700_000_000_000 + block * 10_000);

const good = { kind: "good", status: 200 } as const;
const bad = { kind: "bad", status: 503, reason: "answered 503, expected 200" } as const;

function countOf(prng: Prng, hosts: readonly string[], block: number, rateAt: (block: number) => number): Counted {
  const rate = rateAt(block);
  const traffic = hosts.map((host) => {
    const outcomes = { ok: poisson(prng, perBlock * (1 - rate)), failed: poisson(prng, perBlock * rate) };
    return { host, block: { ...way, startsAt: at(block), outcomes, latency: [] } };
  });
  const probes = hosts.map((host) => ({
    ...{ host, stratum: probe, round: at(block) },
    outcome: rate >= 0.2 && prng.chance(rate) ? bad : good,
  }));
  return { traffic, probes };
}
