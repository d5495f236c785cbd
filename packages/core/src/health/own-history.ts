import { bettingFractions, logMeanOfBets } from "./betting-fractions.ts";
import { type Tolerance, tolerated } from "./health-settings.ts";
import type { Tally } from "./verdict-row.ts";

/** Units with requests before a change: how many were clean, and the bad shares of the others. */
export interface UnitHistory {
  readonly clean: number;
  readonly badShares: readonly number[];
  /** See {@link magnificationOf}; 1 when absent. */
  readonly magnified?: number;
}

/**
 * Evidence that a host is worse than it was (E_B, health-verdict §2.3). The old rate is estimated by no plug-in: for each
 * candidate there is evidence that the old rate lay below it, and evidence that the new one lies above, and the smallest
 * product counts. Units have to be bounded by their expectation only; requests within one may depend on each other.
 */
export interface OwnHistory {
  /** Candidates for the old rate, rising. */
  readonly oldRates: readonly number[];
  /** Its margin is magnified as well. */
  readonly tolerance: Tolerance;
  /** Bad shares, old and new, are multiplied by this, and none counts for more than everything; see {@link magnificationOf}. */
  readonly magnified: number;
  /** For "below 0" and each candidate: logarithm of the evidence that the old rate was below it. */
  readonly logBelow: readonly number[];
  readonly cleanUnits: number;
  /**
   * For each tolerated rate (see {@link toleratedRates}) and each stake: logarithm of what the units with bad requests have
   * made of it. Clean ones are alike for all rates and counted in `cleanUnits`. Absent before the first bad request.
   */
  readonly logBets?: readonly number[];
  /** For each tolerated rate: logarithm of what the bets have been restarted with; absent: with nothing won or lost yet. */
  readonly logCarried?: readonly number[];
  /** Logarithm of the evidence. */
  readonly logEvidence: number;
}

/** From what was counted in each unit; units without requests do not count. */
export function unitHistoryOf(units: readonly Tally[]): UnitHistory {
  const badShares = units.filter(({ bad }) => bad > 0).map(({ bad, requests }) => bad / requests);
  const clean = units.filter(({ requests, bad }) => requests > 0 && bad === 0).length;
  return { clean, badShares, magnified: magnificationOf(units) };
}

/** Two hours of blocks: from here on a history tells small shares apart as it is. */
const unitsOfLongHistory = 720;

/**
 * By how much bad shares are magnified, so that a short history says something about them. A unit that may be bad as a whole
 * tells next to nothing by being clean: thirty of them leave any share below a tenth open, whatever number of requests they
 * held. Magnified by m, a unit of which one m-th is bad counts as one that is bad as a whole, before and after the change alike.
 * Half as many requests as nearly every unit holds are the most, since of fewer requests one is a large share by itself.
 */
export function magnificationOf(units: readonly Tally[]): number {
  const sizes = units.flatMap(({ requests }) => (requests > 0 ? [requests] : [])).sort((a, b) => a - b);
  const few = sizes[Math.floor(sizes.length / 10)] ?? 1;
  return Math.max(1, Math.min(few / 2, unitsOfLongHistory / Math.max(1, sizes.length)));
}

export function ownHistory(history: UnitHistory, toleratedAs: Tolerance): OwnHistory {
  const { magnified = 1 } = history;
  const badShares = history.badShares.map((share) => Math.min(1, magnified * share));
  const oldRates = candidates({ ...history, badShares });
  const counts = countsOf(badShares);
  const tolerance = { ...toleratedAs, margin: magnified * toleratedAs.margin };
  return {
    oldRates,
    tolerance,
    magnified,
    logBelow: [0, ...oldRates].map((rate) => logBelow(rate, history.clean, counts)),
    cleanUnits: 0,
    logEvidence: 0,
  };
}

/**
 * One unit since the change, by the share of bad requests in it. A share up to `excused` is no worse than before, whatever the
 * old rate was: something else is known to cause it. Excusing never raises the evidence.
 */
export function feedOwnHistory(test: OwnHistory, badShare: number, excused = 0): OwnHistory {
  if (badShare === 0) return evaluated({ ...test, cleanUnits: test.cleanUnits + 1 });
  const stakes = bettingFractions.length;
  const before = test.logBets;
  const { magnified } = test;
  const rates = toleratedRates(test);
  const logBets = new Array<number>(rates.length * stakes);
  rates.forEach((rate, i) => {
    const gain = Math.min(1, magnified * badShare) / Math.min(1, Math.max(rate, magnified * excused)) - 1;
    bettingFractions.forEach((stake, j) => {
      logBets[i * stakes + j] = (before?.[i * stakes + j] ?? 0) + Math.log1p(stake * gain);
    });
  });
  return evaluated({ ...test, logBets });
}

/**
 * Goes on with all that was won for a rate, up to `logMax`, on every stake alike. It is still a bet that nobody can expect to
 * win: the money is laid out anew, and some of it is left behind.
 */
export function restartOwnHistory(test: OwnHistory, logMax: number): OwnHistory {
  const { logBets: _, ...rest } = test;
  const logCarried = logWonOf(test).map((log) => Math.min(log, logMax));
  return evaluated({ ...rest, cleanUnits: 0, logCarried });
}

/** Rates that are not worse than the candidates: shifted by one against `logBelow`, which covers the gaps in the grid. */
const toleratedRates = ({ oldRates, tolerance }: Pick<OwnHistory, "oldRates" | "tolerance">): readonly number[] => [
  ...oldRates.map((rate) => tolerated(tolerance, rate)),
  1,
];

/** Steps of 50 % from 1e-5 to 0.985, and of 4.5 % around the historical mean, where precision pays. */
function candidates({ clean, badShares }: UnitHistory): readonly number[] {
  const mean = badShares.reduce((sum, share) => sum + share, 0) / Math.max(1, clean + badShares.length);
  const rates = new Set([0.985]);
  for (let rate = 1e-5; rate < 0.98; rate *= 1.5) rates.add(rate);
  const end = Math.min(0.95, Math.max(mean * 2.2, 2e-5));
  for (let rate = Math.max(1e-5, mean / 2.2); rate <= end; rate *= 1.045) rates.add(rate);
  return [...rates].sort((a, b) => a - b);
}

function logBelow(rate: number, clean: number, counts: ReadonlyMap<number, number>): number {
  const logs = bettingFractions.map((stake) => {
    const factor = stake / (1 - rate);
    let log = clean * Math.log1p(factor * rate);
    for (const [share, units] of counts) log += units * Math.log1p(factor * (rate - share));
    return log;
  });
  return logMeanOfBets(logs);
}

/** Busy sites have thousands of bad units, but only hundreds of different shares. */
function countsOf(badShares: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const share of badShares) counts.set(share, (counts.get(share) ?? 0) + 1);
  return counts;
}

function evaluated(test: OwnHistory): OwnHistory {
  return { ...test, logEvidence: logEvidence(test) };
}

/** The smallest product over all candidates. */
function logEvidence(test: OwnHistory): number {
  const logWon = logWonOf(test);
  return test.logBelow.reduce(
    (smallest, log, i) => Math.min(smallest, log + (logWon[i] ?? 0)),
    Number.POSITIVE_INFINITY,
  );
}

/** For each tolerated rate: what all stakes together have become. */
function logWonOf({ logBets, logBelow, logCarried, cleanUnits }: OwnHistory): readonly number[] {
  const stakes = bettingFractions.length;
  const ofClean = bettingFractions.map((stake) => cleanUnits * Math.log1p(-stake));
  if (logBets === undefined) {
    const log = logMeanOfBets(ofClean);
    return logBelow.map((_, i) => log + (logCarried?.[i] ?? 0));
  }
  const sums = new Array<number>(stakes);
  return logBelow.map((_, i) => {
    for (let j = 0; j < stakes; j++) sums[j] = (logBets[i * stakes + j] ?? 0) + (ofClean[j] ?? 0);
    return logMeanOfBets(sums) + (logCarried?.[i] ?? 0);
  });
}
