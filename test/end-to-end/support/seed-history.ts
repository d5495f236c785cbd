import { addRounds } from "@sluice/coordinator/store/probe-rounds";
import { openStore } from "@sluice/coordinator/store/store";
import { addTraffic } from "@sluice/coordinator/store/traffic";
import { blockMs, type Instant, instant, type Outcome, type TrafficBlock } from "@sluice/core";

/** What users of a binding were answered before, on every host. */
export interface PastWay {
  readonly site: string;
  readonly binding: string;
  readonly bindingPort: number;
  readonly hop: "front" | "proxy";
  readonly requestsPerBlock: number;
  /** Every so many requests failed; none when absent. */
  readonly failEvery?: number;
  /** Latency bucket of the fast nine tenths of the requests; the rest is in the next one. */
  readonly bucket: number;
}

/** A probe that was always answered well. */
export interface PastProbe {
  readonly site: string;
  readonly binding: string;
  readonly bindingPort: number;
  readonly hop: "slot" | "front" | "proxy";
  readonly probe: string;
}

export interface PastOptions {
  /** The data folder of a coordinator that does not run. */
  readonly dataDir: string;
  readonly hosts: readonly string[];
  readonly ways: readonly PastWay[];
  readonly probes: readonly PastProbe[];
  readonly until: Instant;
  readonly spanMs: number;
}

/** Writes what agents would have sent in the time before, block by block and round by round, into a coordinator's store. */
export function seedHistory({ dataDir, hosts, ways, probes, until, spanMs }: PastOptions): void {
  using store = openStore({ dataDir });
  const end = Math.floor(until / blockMs) * blockMs;
  const starts = Array.from({ length: Math.floor(spanMs / blockMs) }, (_, index) =>
    instant(end - (index + 1) * blockMs),
  );
  starts.reverse();
  store.transact((db) => {
    for (const host of hosts) {
      const counters = new Map<PastWay, number>();
      for (const startsAt of starts) {
        addTraffic(
          db,
          host,
          ways.map((way) => blockOf(way, startsAt, counters)),
        );
        addRounds(
          db,
          host,
          probes.map((probe) => roundOf(probe, host, startsAt)),
        );
      }
    }
  });
}

function blockOf(way: PastWay, startsAt: Instant, counters: Map<PastWay, number>): TrafficBlock {
  const { site, binding, bindingPort, hop, requestsPerBlock, failEvery = Number.POSITIVE_INFINITY, bucket } = way;
  const before = counters.get(way) ?? 0;
  const after = before + requestsPerBlock;
  counters.set(way, after);
  const failed = Math.floor(after / failEvery) - Math.floor(before / failEvery);
  const outcomes: Partial<Record<Outcome, number>> = {
    ok: requestsPerBlock - failed,
    ...(failed > 0 ? { failed } : {}),
  };
  const fast = Math.round(requestsPerBlock * 0.9);
  const latency = [...new Array<number>(bucket).fill(0), fast, requestsPerBlock - fast];
  return { site, binding, bindingPort, hop, startsAt, outcomes, latency };
}

const roundOf = (probe: PastProbe, host: string, round: Instant) =>
  ({ ...probe, host, round, at: round, tookMs: 1, outcome: { kind: "good", status: 200 } }) as const;
