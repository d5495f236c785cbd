import { bettingFractions, logMeanOfBets } from "./betting-fractions.ts";
import type { Tally } from "./verdict-row.ts";

/**
 * Evidence that a changed host is worse than the hosts not changed yet in the same time (E_A, health-verdict §2.2). While it
 * is not, the evidence ever exceeds 1/a with probability a at most, whatever the common rate is and however it moves.
 */
export interface SameTime {
  /** How much worse than the others counts as equal; 1: not at all. */
  readonly ratio: number;
  /** Logarithm of what each stake has become; absent before the first bad request. */
  readonly logBets?: readonly number[];
  /** Units in which only one side had requests, waiting for the other. */
  readonly pooled?: { readonly changed: Tally; readonly others: Tally; readonly hosts: number };
}

export const sameTime = (ratio: number): SameTime => ({ ratio });

/** One unit: what the changed host counted, and all `hosts` others together in the same time. */
export function feedSameTime(test: SameTime, changed: Tally, others: Tally, hosts: number): SameTime {
  if (changed.requests === 0 && others.requests === 0) return test;
  const { pooled, ...rest } = test;
  const all = {
    changed: add(changed, pooled?.changed),
    others: add(others, pooled?.others),
    hosts: Math.max(hosts, pooled?.hosts ?? 0),
  };
  if (all.changed.requests === 0 || all.others.requests === 0) return { ...rest, pooled: all };
  const gain = gainOf(test.ratio, all.changed, all.others, all.hosts + 1);
  if (gain === undefined) return pooled === undefined ? test : rest;
  return {
    ratio: test.ratio,
    logBets: bettingFractions.map((stake, j) => (test.logBets?.[j] ?? 0) + Math.log1p(stake * gain)),
  };
}

/** Natural logarithm of the evidence. */
export const logSameTime = ({ logBets }: SameTime): number => (logBets === undefined ? 0 : logMeanOfBets(logBets));

const add = (one: Tally, other: Tally = { requests: 0, bad: 0 }): Tally => ({
  requests: one.requests + other.requests,
  bad: one.bad + other.bad,
});

/**
 * Relative surplus of the changed host over its expected share of the bad requests; `undefined` where all or none are bad, which
 * says nothing. It is capped so that a burst on one host weighs as one event among `hostsCompared` hosts.
 */
function gainOf(ratio: number, changed: Tally, others: Tally, hostsCompared: number): number | undefined {
  const bad = changed.bad + others.bad;
  if (bad === 0 || bad === changed.requests + others.requests) return undefined;
  const expected = Math.min(1, (ratio * bad) / (ratio * changed.requests + others.requests));
  return Math.min(changed.bad / changed.requests / expected, hostsCompared) - 1;
}
