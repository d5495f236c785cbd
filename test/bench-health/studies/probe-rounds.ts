import {
  defaultHealthSettings,
  feedEvidence,
  type HealthState,
  instant,
  judgeTests,
  type ProbeAnswer,
  type ProbeStratum,
  startTests,
  testHost,
} from "@sluice/core";
import type { Bar, Study } from "../study.ts";

/** Rounds of ten seconds; after a failure, of two seconds (health-verdict §2.1). */
const everyS = 10;
const againS = 2;
const historyRounds = 360;
const changedAtS = 1_700_000_000;

/** A binding has two probes on each of three hops, and the seven indicators of traffic nobody sends. */
const bindings = Array.from({ length: 5 }, (_, index) => `name-${index}.example`);

const strata: readonly ProbeStratum[] = bindings.flatMap((binding) =>
  (["slot", "proxy", "edge"] as const).flatMap((hop) =>
    ["GET /", "GET /healthz"].map(
      (probe): ProbeStratum => ({
        site: "shop",
        binding,
        bindingPort: 443,
        hop,
        source: "probe",
        probe,
        indicator: "unexpected",
      }),
    ),
  ),
);

const good = { kind: "good", status: 200 } as const;
const bad = { kind: "bad", status: 400, reason: "answered 400, expected 200" } as const;

/** The bar of design §11: a host name that fails completely, without any traffic, from activation to the decision to halt. */
export const probeRounds: Study = {
  name: "probe-rounds",
  title: `seconds from the change to the halt, when one host name of ${bindings.length} fails at one hop for every request and nobody sends any (${strata.length} probe strata on each host)`,
  run() {
    const limits: readonly (readonly [number, number])[] = [
      [3, 16],
      [1, 22],
      [0, 22],
    ];
    const bars: Bar[] = [];
    const rows = limits.map(([others, limit]) => {
      const times = Array.from({ length: everyS }, (_, wait) => haltAfter(others, wait + 1));
      const worst = Math.max(...times);
      bars.push({
        promise: `dead host name, ${others} other hosts: ${limit} s at most`,
        measured: `${worst} s`,
        kept: worst <= limit,
      });
      return [`${others} other hosts`, `${Math.min(...times)}`, `${worst}`];
    });
    return { columns: ["fleet", "best", "worst"], rows, bars };
  },
};

/** With the first round `waitS` after the change. */
function haltAfter(others: number, waitS: number): number {
  const hosts = Array.from({ length: others + 1 }, (_, index) => `web-${index + 1}`);
  let state = start(hosts, waitS);
  for (let second = waitS; second < 300; second += againS) {
    state = feedEvidence(state, {
      traffic: [],
      trafficUntil: at(second),
      probes: roundOf(hosts, second),
      probesUntil: instant(at(second) + 1),
    });
    if (judgeTests(state, { now: at(second), hosts: ["web-1"] }).kind === "regressed") return second;
  }
  return Number.POSITIVE_INFINITY;
}

function start(hosts: readonly string[], waitS: number): HealthState {
  const planned = hosts.map((host) => ({ host, environment: "production", changes: true, strata }));
  const rounds = Array.from({ length: historyRounds }, (_, index) => waitS - (index + 1) * everyS);
  const history = { traffic: [], probes: rounds.flatMap((second) => roundOf(hosts, second)) };
  return testHost(startTests({ settings: { production: { shop: defaultHealthSettings } }, hosts: planned }), {
    host: "web-1",
    since: at(0),
    history,
  });
}

const at = (second: number) => instant((changedAtS + second) * 1000);

function roundOf(hosts: readonly string[], second: number): readonly ProbeAnswer[] {
  return hosts.flatMap((host) =>
    strata.map((stratum): ProbeAnswer => {
      const dead = second > 0 && host === "web-1" && stratum.binding === bindings[0] && stratum.hop === "edge";
      return { host, stratum, round: at(second), outcome: dead ? bad : good };
    }),
  );
}
