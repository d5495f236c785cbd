import type { Hop } from "../probing/probe-result.ts";

/**
 * What may be wrong with a request of a user; `slow` is slower than 95 % of the requests before the change on that host, and
 * `above-median` slower than half of them.
 */
export type TrafficIndicator = OutcomeIndicator | LatencyIndicator;
export type OutcomeIndicator = "failed" | "refused" | "not-found" | "denied" | "limited" | "redirected";
export type LatencyIndicator = "slow" | "above-median";

export const trafficIndicators: readonly TrafficIndicator[] = [
  "failed",
  "refused",
  "not-found",
  "denied",
  "limited",
  "redirected",
  "slow",
  "above-median",
];

/** By how long a request took, which says something only beside a threshold that a change freezes. */
export const isLatency = (indicator: TestedStratum["indicator"]): indicator is LatencyIndicator =>
  indicator === "slow" || indicator === "above-median";

/** One way to a site: a registered binding, asked at one hop. Host names that are no binding are no stratum. */
export interface Way {
  readonly site: string;
  /** Host name of the binding. */
  readonly binding: string;
  readonly bindingPort: number;
  readonly hop: Hop;
}

/** The unit of evidence: one way, one source and one indicator, compared host by host (health-verdict §0). */
export type TestedStratum = TrafficStratum | ProbeStratum;

export interface TrafficStratum extends Way {
  readonly source: "traffic";
  readonly hop: "front" | "proxy";
  readonly indicator: TrafficIndicator;
}

export interface ProbeStratum extends Way {
  readonly source: "probe";
  /** `GET /healthz` */
  readonly probe: string;
  readonly indicator: "unexpected";
}

/** Names a way: equal keys, equal ways. */
export const wayKey = ({ site, binding, bindingPort, hop }: Way): string => `${site}|${binding}|${bindingPort}|${hop}`;

/** A stratum is asked for its name again and again, and many thousands of them are while one front changes on many hosts. */
const keys = new WeakMap<TestedStratum, string>();

/** Names a stratum: equal keys, equal strata. */
export function stratumKey(stratum: TestedStratum): string {
  const known = keys.get(stratum);
  if (known !== undefined) return known;
  const source = stratum.source === "probe" ? `probe ${stratum.probe}` : "traffic";
  const key = `${wayKey(stratum)}|${source}|${stratum.indicator}`;
  keys.set(stratum, key);
  return key;
}

/** Of one host name and port, on whatever hop. */
export const sameBinding = (one: Way, other: Way): boolean =>
  one.site === other.site && one.binding === other.binding && one.bindingPort === other.bindingPort;
