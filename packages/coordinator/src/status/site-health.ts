import {
  blockMs,
  countedWays,
  type Instant,
  instant,
  latencyBuckets,
  outcomes,
  type ProbeAnswer,
  type SiteDuties,
  type TrafficBlock,
  trafficIndicators,
  type Way,
  wayKey,
} from "@sluice/core";
import { countBlock } from "@sluice/core/health/count-block";
import { isLatency } from "@sluice/core/health/tested-stratum";
import { cutZeros, toWireBlock, toWireOutcome } from "@sluice/protocol";
import type {
  GetHealthRequest,
  GetHealthResponse,
  HostHealth,
  ProbeHealth,
  TrafficHealth,
  TrafficHistory,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Clock } from "@sluice/runtime";
import type { EvidenceBook } from "../evidence/evidence-book.ts";
import { historyMs } from "../evidence/history.ts";
import type { TrafficBook } from "../evidence/traffic-book.ts";
import type { FleetDesk } from "../fleet/fleet-desk.ts";

export interface HealthSources {
  readonly clock: Clock;
  readonly fleets: FleetDesk;
  readonly traffic: TrafficBook;
  readonly evidence: EvidenceBook;
}

/** Blocks and rounds of each way when nobody says how many: five minutes of them. */
const newestUsual = 30;

/** What is known of a site on each of its hosts. A way that is registered and was never heard of is there with nothing. */
export function siteHealth(sources: HealthSources, { site, host, newest }: GetHealthRequest): GetHealthResponse {
  const { clock, fleets } = sources;
  const { name } = fleets.site(site);
  const asked = host === undefined ? undefined : fleets.host(host).name;
  const now = clock.now();
  const since = instant(Math.ceil((now - historyMs) / blockMs) * blockMs);
  const { fleet } = fleets.require();
  const places = fleet.environments.flatMap((environment) =>
    environment.hosts.map((one) => ({ host: one, environment: environment.name })),
  );
  const look = { sources, site: name, since, newest: Math.max(0, newest ?? newestUsual) };
  return {
    site: name,
    nowMs: now,
    blockMs,
    sinceMs: since,
    hosts: places
      .filter((place) => asked === undefined || place.host === asked)
      .flatMap((place) => hostHealth(look, place)),
  };
}

interface Look {
  readonly sources: HealthSources;
  readonly site: string;
  readonly since: Instant;
  readonly newest: number;
}

function hostHealth(look: Look, { host, environment }: { readonly host: string; readonly environment: string }) {
  const { sources, site, since } = look;
  const duties = sources.fleets
    .require()
    .configurationOf(host)
    .sites.find((one) => one.site === site);
  const range = { host, from: since, until: instant(Number.MAX_SAFE_INTEGER) };
  const blocks = sources.traffic.blocks(range, [site]);
  const answers = sources.evidence.rounds(range, [site]);
  if (duties === undefined && blocks.length === 0 && answers.length === 0) return [];
  const { dropped, droppedSince } = sources.traffic.dropped(host);
  const lost = sources.evidence.dropped(host);
  const health: HostHealth = {
    host,
    environment,
    traffic: trafficHealth(look, duties, blocks),
    probes: probeHealth(look, answers),
    droppedBlocks: dropped,
    droppedSinceMs: droppedSince,
    droppedResults: lost.dropped,
    droppedResultsSinceMs: lost.droppedSince,
  };
  return [health];
}

function trafficHealth(
  { site, newest }: Look,
  duties: SiteDuties | undefined,
  blocks: readonly TrafficBlock[],
): TrafficHealth[] {
  const counted = Map.groupBy(blocks, wayKey);
  const ways = new Map<string, Way>([
    ...(duties?.bindings ?? [])
      .flatMap((binding) => countedWays(site, binding))
      .map((way) => [wayKey(way), way] as const),
    ...blocks.map((block) => [wayKey(block), block] as const),
  ]);
  return [...ways].map(([key, { binding, bindingPort, hop }]) => {
    const known = counted.get(key) ?? [];
    return {
      ...{ binding, bindingPort, hop },
      newest: newestOf(known, newest).map(toWireBlock),
      history: historyOf(known),
    };
  });
}

const newestOf = <T>(list: readonly T[], count: number): readonly T[] => (count === 0 ? [] : list.slice(-count));

function historyOf(blocks: readonly TrafficBlock[]): TrafficHistory {
  const ended = outcomes.map((outcome) => sum(blocks, (block) => block.outcomes[outcome] ?? 0));
  const latency = Array.from({ length: latencyBuckets }, (_, place) =>
    sum(blocks, (block) => block.latency[place] ?? 0),
  );
  return {
    blocks: blocks.length,
    quietBlocks: blocks.filter((block) => Object.keys(block.outcomes).length === 0).length,
    requests: ended.reduce((total, count) => total + count, 0),
    outcomes: cutZeros(ended),
    latency: cutZeros(latency),
    indicators: trafficIndicators
      .filter((indicator) => !isLatency(indicator))
      .map((indicator) => {
        const tallies = blocks
          .map((block) => countBlock(block, indicator, undefined))
          .filter(({ requests }) => requests > 0);
        const bad = tallies.filter((tally) => tally.bad > 0);
        const cleanBlocks = tallies.length - bad.length;
        return { indicator, cleanBlocks, badShares: bad.map((tally) => tally.bad / tally.requests) };
      }),
  };
}

const sum = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((total, one) => total + of(one), 0);

function probeHealth({ newest }: Look, answers: readonly ProbeAnswer[]): ProbeHealth[] {
  const byProbe = Map.groupBy(answers, ({ stratum }) => `${wayKey(stratum)}|${stratum.probe}`);
  return [...byProbe.values()].flatMap((list) => {
    const stratum = list[0]?.stratum;
    if (stratum === undefined) return [];
    const { binding, bindingPort, hop, probe } = stratum;
    const rounds = newestOf(list, newest).map(({ round, outcome }) => ({
      roundMs: round,
      outcome: toWireOutcome(outcome),
    }));
    const count = (kind: string): number => list.filter(({ outcome }) => outcome.kind === kind).length;
    return [{ ...{ binding, bindingPort, hop, probe }, newest: rounds, good: count("good"), bad: count("bad") }];
  });
}
