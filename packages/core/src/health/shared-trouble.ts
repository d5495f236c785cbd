import { klLower } from "./kl-lower.ts";
import { unitsForPersistence } from "./rule.ts";
import type { Tally } from "./verdict-row.ts";

/** What the changed host and the others counted in one of the newest units. */
export interface RecentUnit {
  readonly changed: Tally;
  readonly others: Tally;
}

/** What is usual, by what was counted before the change. */
export interface Usual {
  readonly changed: number;
  readonly others: number;
  /** Counts are divided by it, since bad requests come in bursts. */
  readonly dispersion: number;
}

/** What a test counted before its change. */
interface Counted {
  readonly before: Tally;
  readonly othersBefore: Tally;
  readonly dispersion: number;
}

/** Units that are looked back on: two minutes of blocks, or of rounds of a probe. */
const recentUnits = 12;

/** So many units without trouble end it: a minute. */
const unitsForRecovery = 6;

/** Numbers of newest units by which the others are found unwell: the first tells an outage at once, the last a slow decline. */
const spans: readonly number[] = [1, 2, 4];

/** Bad share by which hosts may exceed twice what was usual, and the doubt with which they are believed to do more. */
const unwell = { margin: 0.01, doubt: 0.05 } as const;

export const usualOf = ({ before, othersBefore, dispersion }: Counted): Usual => ({
  changed: badShare(before),
  others: badShare(othersBefore),
  dispersion,
});

export const withRecent = (recent: readonly RecentUnit[], unit: RecentUnit): readonly RecentUnit[] =>
  [...recent, unit].slice(-recentUnits);

/**
 * The bad share of the others while they fail more than is usual for them, beyond doubt; 0: they are well. So much trouble is
 * not the change's doing, whatever the changed host counts in the same time.
 */
export function troubleOfOthers(recent: readonly RecentUnit[], { others, dispersion }: Usual): number {
  let worst = 0;
  for (const span of spans) {
    const tally = sumOf(recent.slice(-span).map((unit) => unit.others));
    if (isUnwell(tally, others, dispersion)) worst = Math.max(worst, badShare(tally));
  }
  return worst;
}

/** The changed host and the others have trouble now, in the same time. It ends as soon as a minute shows none. */
export function isTroubleShared(recent: readonly RecentUnit[], usual: Usual): boolean {
  const { dispersion } = usual;
  if (recent.filter(({ changed }) => changed.bad > 0).length < unitsForPersistence) return false;
  if (!isUnwell(sumOf(recent.map(({ changed }) => changed)), usual.changed, dispersion)) return false;
  if (!isUnwell(sumOf(recent.map(({ others }) => others)), usual.others, dispersion)) return false;
  const newest = recent.slice(-unitsForRecovery).flatMap(({ changed, others }) => [changed, others]);
  return badShare(sumOf(newest)) > limitOf(Math.max(usual.changed, usual.others));
}

/** The largest bad share of the newest minute and of the newest two. */
export function recentShareOfOthers(recent: readonly RecentUnit[]): number {
  const shares = [unitsForRecovery, recentUnits].map((span) =>
    badShare(sumOf(recent.slice(-span).map((one) => one.others))),
  );
  return Math.max(...shares);
}

/** More is bad than is usual, and that is no chance. */
export function isUnwell(now: Tally, usual: number, dispersion: number): boolean {
  const limit = limitOf(usual);
  if (badShare(now) <= limit) return false;
  return klLower(now.requests / dispersion, now.bad / dispersion, unwell.doubt) > limit;
}

const limitOf = (usual: number): number => 2 * usual + unwell.margin;

export const badShare = ({ requests, bad }: Tally): number => (requests === 0 ? 0 : bad / requests);

export function sumOf(tallies: readonly Tally[]): Tally {
  let requests = 0;
  let bad = 0;
  for (const tally of tallies) {
    requests += tally.requests;
    bad += tally.bad;
  }
  return { requests, bad };
}
