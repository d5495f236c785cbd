import type { Tolerance } from "@sluice/core";
import { feedOwnHistory, type OwnHistory, ownHistory, unitHistoryOf } from "@sluice/core/health/own-history";
import { unitsForPersistence } from "@sluice/core/health/rule";
import { feedSameTime, logSameTime, type SameTime, sameTime } from "@sluice/core/health/same-time";
import type { Count } from "../stratum-source.ts";

/** The rule of Sluice for one stratum, with the functions verdicts are made of. */
export interface BlockRule {
  own: OwnHistory;
  same: SameTime;
  badUnits: number;
}

/** No tolerance: what the tables of the specification were simulated with, and the most nervous setting there is. */
export const strict: Tolerance = { ratio: 1, margin: 0 };

export const blockRule = (history: readonly Count[], tolerance: Tolerance = strict): BlockRule => ({
  own: ownHistory(unitHistoryOf(history), tolerance),
  same: sameTime(tolerance.ratio),
  badUnits: 0,
});

export function feedBlockRule(rule: BlockRule, changed: Count, others: Count, hosts: number): void {
  rule.same = feedSameTime(rule.same, changed, others, hosts);
  if (changed.requests > 0) rule.own = feedOwnHistory(rule.own, changed.bad / changed.requests);
  if (changed.bad > 0) rule.badUnits++;
}

/** Natural logarithms of the evidence: beside the others, against the past, and what counts. */
export function evidenceOf(rule: BlockRule) {
  const same = logSameTime(rule.same);
  const own = rule.own.logEvidence;
  const both = rule.badUnits < unitsForPersistence ? Math.min(0, same, own) : Math.min(same, own);
  return { same, own, both };
}
