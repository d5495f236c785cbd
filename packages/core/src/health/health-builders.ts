import { after, type Instant, instant, seconds } from "../units/time.ts";
import type { FedEvidence, HistoryEvidence, HostTraffic, ProbeAnswer } from "./fed-evidence.ts";
import { feedEvidence, feedFrom } from "./feed-evidence.ts";
import { defaultHealthSettings, type HealthSettings } from "./health-settings.ts";
import type { HealthState } from "./health-state.ts";
import type { Outcome } from "./outcome.ts";
import { startTests } from "./start-tests.ts";
import { testHost } from "./test-host.ts";
import { type ProbeStratum, type TestedStratum, type TrafficStratum, trafficIndicators } from "./tested-stratum.ts";

/** For tests: web-1 changes beside other hosts, all of which are well unless a test says otherwise. */
export const changedAt = instant(1_700_000_000_000);

export const way = { site: "shop", binding: "app.com", bindingPort: 443, hop: "proxy" } as const;

export const trafficStrata: readonly TrafficStratum[] = trafficIndicators.map((indicator) => ({
  ...way,
  source: "traffic",
  indicator,
}));

export const probeStratum: ProbeStratum = {
  ...way,
  hop: "edge",
  source: "probe",
  probe: "GET /",
  indicator: "unexpected",
};

export interface Scene {
  readonly others: number;
  readonly strata: readonly TestedStratum[];
  readonly settings: HealthSettings;
  readonly historyS: number;
  /** What a host counts in the block or round that starts `second`s after the change. */
  readonly traffic: (host: string, second: number) => Partial<Record<Outcome, number>>;
  readonly latency: (host: string, second: number) => readonly number[];
  readonly probe: (host: string, second: number) => ProbeAnswer["outcome"] | undefined;
  /** Instead of `probe`, where not all strata are answered alike. */
  readonly probeOf?: (stratum: ProbeStratum, second: number) => ProbeAnswer["outcome"] | undefined;
}

export const good = { kind: "good", status: 200 } as const;
export const answered400 = { kind: "bad", status: 400, reason: "answered 400, expected 200" } as const;

const healthy: Scene = {
  others: 3,
  strata: [...trafficStrata, probeStratum],
  settings: defaultHealthSettings,
  historyS: 7200,
  traffic: () => ({ ok: 50 }),
  latency: () => [],
  probe: () => good,
};

export const scene = (more: Partial<Scene> = {}): Scene => ({ ...healthy, ...more });

const hostsOf = ({ others }: Scene): readonly string[] =>
  Array.from({ length: others + 1 }, (_, index) => `web-${index + 1}`);

/** Web-1 has changed, nothing was fed yet. */
export function started(of: Scene): HealthState {
  const hosts = hostsOf(of).map((host) => ({
    host,
    environment: "production",
    changes: true,
    strata: of.strata,
  }));
  const state = startTests({ settings: { production: { shop: of.settings } }, hosts });
  return testHost(state, { host: "web-1", since: changedAt, history: counted(of, -of.historyS, 0) });
}

/** What is counted from second `from` until second `until` after the change; rounds every ten seconds. */
export function counted(of: Scene, from: number, until: number): HistoryEvidence {
  const traffic: HostTraffic[] = [];
  const probes: ProbeAnswer[] = [];
  for (const host of hostsOf(of)) {
    for (let second = from; second < until; second += 10) {
      traffic.push(blockAt(of, host, second));
      for (const stratum of of.strata) {
        if (stratum.source !== "probe") continue;
        const outcome = of.probeOf === undefined ? of.probe(host, second) : of.probeOf(stratum, second);
        if (outcome !== undefined) {
          probes.push({ host, stratum, round: at(second), outcome });
        }
      }
    }
  }
  return { traffic, probes };
}

const blockAt = (of: Scene, host: string, second: number): HostTraffic => ({
  host,
  block: {
    ...way,
    startsAt: at(second),
    outcomes: of.traffic(host, second),
    latency: of.latency(host, second),
  },
});

/** The same, after `host` changed as well: `second`s after web-1. */
export const changedToo = (of: Scene, state: HealthState, host: string, second: number): HealthState =>
  testHost(state, { host, since: at(second), history: counted(of, -of.historyS, second) });

export const at = (second: number): Instant => after(changedAt, seconds(second));

/** Everything that is counted until `second`, fed at once. */
export function fedUntil(of: Scene, second: number, state: HealthState = started(of)): HealthState {
  const from = Math.max(0, ((feedFrom(state) ?? changedAt) - changedAt) / 1000);
  return feedEvidence(state, fed(of, from, second));
}

export const fed = (of: Scene, from: number, until: number): FedEvidence => ({
  ...counted(of, from, until),
  trafficUntil: at(until),
  probesUntil: at(until),
});
