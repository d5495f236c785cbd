import { setImmediate } from "node:timers/promises";
import {
  allInUntil,
  blockMs,
  type CountedPlace,
  type FedEvidence,
  feedEvidence,
  feedFrom,
  type HealthState,
  type HistoryEvidence,
  type Instant,
  instant,
} from "@sluice/core";
import type { EvidenceBook } from "./evidence-book.ts";
import { historyMs } from "./history.ts";
import type { TrafficBook } from "./traffic-book.ts";

/** Where evidence is kept. */
export interface EvidenceSources {
  readonly traffic: TrafficBook;
  readonly evidence: EvidenceBook;
}

/** Whose evidence is wanted. */
export interface EvidenceScope {
  readonly hosts: readonly string[];
  readonly sites: readonly string[];
}

/** Whose evidence is fed to tests, and for whom is waited: who is cut off must not keep the others from being judged. */
export interface FeedScope extends EvidenceScope {
  readonly awaited: readonly CountedPlace[];
}

/** Blocks and rounds before these are all in, as far as one waits for them. */
export type Untils = Pick<FedEvidence, "trafficUntil" | "probesUntil">;

/** Feeds the tests what is in and they lack. `undefined` when nothing more is in than when they were fed until `before`. */
export function feedTests(
  sources: EvidenceSources,
  scope: FeedScope,
  state: HealthState,
  now: Instant,
  before: Untils | undefined,
): { readonly state: HealthState; readonly untils: Untils } | undefined {
  const from = feedFrom(state);
  if (from === undefined) return undefined;
  const untils = untilsOf(sources, scope, now);
  if (before?.trafficUntil === untils.trafficUntil && before.probesUntil === untils.probesUntil) return undefined;
  return { state: feedEvidence(state, evidenceSince(sources, scope, from, untils)), untils };
}

/** Everything counted on these hosts since `from`, and until when it is all in. */
export function evidenceSince(
  sources: EvidenceSources,
  scope: EvidenceScope,
  from: Instant,
  untils: Untils,
): FedEvidence {
  return { ...evidenceBetween(sources, scope, from, instant(Number.MAX_SAFE_INTEGER)), ...untils };
}

/** Until when the evidence of all places that are waited for is in. */
export const untilsOf = (sources: EvidenceSources, scope: FeedScope, now: Instant): Untils => ({
  trafficUntil: trafficUntil(sources, scope, now),
  probesUntil: probesUntil(sources, scope, now),
});

/** The last day of these hosts before `until`, read host by host so that others get their turn in between. */
export async function historyOf(
  sources: EvidenceSources,
  { hosts, sites }: EvidenceScope,
  until: Instant,
  signal: AbortSignal,
): Promise<HistoryEvidence> {
  const parts: HistoryEvidence[] = [];
  for (const host of hosts) {
    for (const site of sites) {
      await setImmediate();
      signal.throwIfAborted();
      const scope = { hosts: [host], sites: [site] };
      parts.push(evidenceBetween(sources, scope, instant(until - historyMs), until));
    }
  }
  return { traffic: parts.flatMap(({ traffic }) => traffic), probes: parts.flatMap(({ probes }) => probes) };
}

function evidenceBetween(
  { traffic, evidence }: EvidenceSources,
  { hosts, sites }: EvidenceScope,
  from: Instant,
  until: Instant,
): HistoryEvidence {
  return {
    traffic: hosts.flatMap((host) => traffic.blocks({ host, from, until }, sites).map((block) => ({ host, block }))),
    probes: hosts.flatMap((host) => evidence.rounds({ host, from, until }, sites)),
  };
}

/** Hosts send their blocks in order of time, so what starts before the newest one is in. */
function trafficUntil({ traffic }: EvidenceSources, { awaited }: FeedScope, now: Instant): Instant {
  const hosts = [...new Set(awaited.map(({ host }) => host))];
  const ends = hosts.map((host) => {
    const newest = traffic.newestBlock(host);
    return newest === undefined ? undefined : newest + blockMs;
  });
  return allInUntil(ends, now);
}

function probesUntil({ evidence }: EvidenceSources, { awaited }: FeedScope, now: Instant): Instant {
  const ends = awaited.map(({ host, site }) => {
    const newest = evidence.newestRound(host, site);
    return newest === undefined ? undefined : newest + 1;
  });
  return allInUntil(ends, now);
}
