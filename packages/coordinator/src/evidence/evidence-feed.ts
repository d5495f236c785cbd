import { blockMs, type FedEvidence, type HistoryEvidence, type Instant, instant, type ProbeAnswer } from "@sluice/core";
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

/** A host that says nothing for this long is not waited for: its blocks and rounds come too late. */
const waitedForMs = 30_000;

/** Everything counted on these hosts since `from`, and until when it is all in. */
export function evidenceSince(
  sources: EvidenceSources,
  scope: EvidenceScope,
  from: Instant,
  now: Instant,
): FedEvidence {
  return {
    ...evidenceBetween(sources, scope, from, instant(Number.MAX_SAFE_INTEGER)),
    trafficUntil: trafficUntil(sources, scope, now),
    probesUntil: probesUntil(sources, scope, now),
  };
}

/** The last day of these hosts before `until`. */
export const historyBefore = (sources: EvidenceSources, scope: EvidenceScope, until: Instant): HistoryEvidence =>
  evidenceBetween(sources, scope, instant(until - historyMs), until);

/** How each probe of a site was answered on a host in its last rounds before a moment: its state before a change. */
export function roundsBefore(
  { evidence }: EvidenceSources,
  host: string,
  site: string,
  until: Instant,
  rounds: number,
): readonly ProbeAnswer[] {
  const answers = evidence.rounds({ host, from: instant(until - historyMs), until }, [site]);
  const byProbe = Map.groupBy(answers, ({ stratum: { binding, bindingPort, hop, probe } }) =>
    [binding, bindingPort, hop, probe].join("|"),
  );
  return [...byProbe.values()].flatMap((list) => list.slice(-rounds));
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
function trafficUntil({ traffic }: EvidenceSources, { hosts }: EvidenceScope, now: Instant): Instant {
  const ends = hosts.map((host) => {
    const newest = traffic.newestBlock(host);
    return newest === undefined ? undefined : newest + blockMs;
  });
  return latestOfAll(ends, now);
}

function probesUntil({ evidence }: EvidenceSources, { hosts, sites }: EvidenceScope, now: Instant): Instant {
  const ends = hosts.flatMap((host) =>
    sites.map((site) => {
      const newest = evidence.newestRound(host, site);
      return newest === undefined ? undefined : newest + 1;
    }),
  );
  return latestOfAll(ends, now);
}

function latestOfAll(ends: readonly (number | undefined)[], now: Instant): Instant {
  const waited = now - waitedForMs;
  return instant(Math.min(now, ...ends.map((end) => Math.max(waited, end ?? waited))));
}
