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
}

/** What a test counted before its change. */
interface Counted {
  readonly before: Tally;
  readonly othersBefore: Tally;
}

/** Units that are looked back on: two minutes of blocks, or of rounds of a probe. */
export const recentUnits = 12;

/** So many units without trouble end it: a minute. */
export const unitsForRecovery = 6;

/** Numbers of newest units by which the others are found unwell: the first tells an outage at once, the last a slow decline. */
const spansNow: readonly number[] = [1, 2, 4];

/** The same at the moment at which nobody is left to ask: what was there may go on. */
const spansBefore: readonly number[] = [...spansNow, 6, 12, 30];

/** What goes on may grow, and was seen for a moment only. */
const lingeringFactor = 3;

/** Bad share by which hosts may exceed twice what was usual, and the doubt with which they are believed to do more. */
const unwell = { margin: 0.01, doubt: 0.05 } as const;

export const usualOf = ({ before, othersBefore }: Counted): Usual => ({
  changed: badShare(before),
  others: badShare(othersBefore),
});

export const withRecent = (recent: readonly RecentUnit[], unit: RecentUnit): readonly RecentUnit[] =>
  [...recent, unit].slice(-recentUnits);

/**
 * The bad share of the others while they fail more than is usual for them, beyond doubt; 0: they are well. So much trouble is
 * not the change's doing, whatever the changed host counts in the same time.
 */
export function troubleOfOthers(recent: readonly RecentUnit[], { others }: Usual): number {
  return worstShare(
    recent.map((unit) => unit.others),
    spansNow,
    others,
  );
}

/**
 * The bad share that may go on for a reason of its own, by the newest units of hosts whose trouble is not over; 0: they are
 * well, and have been so for a minute.
 */
export function lingeringTrouble(newest: readonly Tally[], usual: number): number {
  if (badShare(sumOf(newest.slice(-unitsForRecovery))) <= limitOf(usual)) return 0;
  return Math.min(1, lingeringFactor * worstShare(newest, spansBefore, usual));
}

function worstShare(newest: readonly Tally[], spans: readonly number[], usual: number): number {
  let worst = 0;
  for (const span of spans) {
    const tally = sumOf(newest.slice(-span));
    if (isUnwell(tally, usual)) worst = Math.max(worst, badShare(tally));
  }
  return worst;
}

/** A host of which nothing bad was counted lately, beyond what is usual for it. */
export function isWellAgain(recent: readonly RecentUnit[], { changed }: Usual): boolean {
  return badShare(sumOf(recent.slice(-unitsForRecovery).map((unit) => unit.changed))) <= limitOf(changed);
}

/** The changed host and the others have trouble now, in the same time. It ends as soon as a minute shows none. */
export function isTroubleShared(recent: readonly RecentUnit[], usual: Usual): boolean {
  if (recent.filter(({ changed }) => changed.bad > 0).length < unitsForPersistence) return false;
  if (!isUnwell(sumOf(recent.map(({ changed }) => changed)), usual.changed)) return false;
  if (!isUnwell(sumOf(recent.map(({ others }) => others)), usual.others)) return false;
  const newest = recent.slice(-unitsForRecovery).flatMap(({ changed, others }) => [changed, others]);
  return badShare(sumOf(newest)) > limitOf(Math.max(usual.changed, usual.others));
}

/** More is bad than is usual, and that is no chance. A burst may be taken for it, which only ever makes a test more careful. */
export function isUnwell(now: Tally, usual: number): boolean {
  const limit = limitOf(usual);
  if (badShare(now) <= limit) return false;
  return klLower(now.requests, now.bad, unwell.doubt) > limit;
}

const limitOf = (usual: number): number => 2 * usual + unwell.margin;

export const badShare = ({ requests, bad }: Tally): number => (requests === 0 ? 0 : bad / requests);

export const noRequests: Tally = { requests: 0, bad: 0 };

export const tallyOf = ({ requests, bad }: Tally): Tally => ({ requests, bad });

export function sumOf(tallies: readonly Tally[]): Tally {
  let requests = 0;
  let bad = 0;
  for (const tally of tallies) {
    requests += tally.requests;
    bad += tally.bad;
  }
  return { requests, bad };
}
