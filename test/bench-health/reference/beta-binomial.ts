import { logBeta } from "./log-gamma.ts";

/** A walk that rises by at most `up` and falls by at most `down` a step, tuned for the variance it is expected to reach. */
export interface BetaBinomial {
  readonly varianceDue: number;
  readonly down: number;
  readonly up: number;
  readonly alphaDue: number;
}

/**
 * Logarithm of the two-sided beta-binomial mixture of confseq (Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric,
 * nonasymptotic confidence sequences", 2021, proposition 7): a supermartingale in the sum `s` and its variance `v`.
 */
export function logBetaBinomial({ varianceDue, down, up, alphaDue }: BetaBinomial, s: number, v: number): number {
  const width = down + up;
  const spread = precisionOf(varianceDue, alphaDue, down * up);
  const ends = (sum: number, variance: number): readonly [number, number] => [
    (spread + variance - down * sum) / (down * width),
    (spread + variance + up * sum) / (up * width),
  ];
  const drift =
    (v / (down * up)) * Math.log(width) -
    ((v + up * s) / (up * width)) * Math.log(down) -
    ((v - down * s) / (down * width)) * Math.log(up);
  return drift + logBeta(ends(s, v)) - logBeta(ends(0, 0));
}

function precisionOf(varianceDue: number, alphaDue: number, downTimesUp: number): number {
  const twice = 2 * Math.log(1 / alphaDue);
  return Math.max(varianceDue / (twice + Math.log(1 + twice)) - downTimesUp, downTimesUp / 1000);
}

/** The sum that the walk exceeds with probability `alpha` at most when its variance is `v`. */
export const betaBinomialBound = (walk: BetaBinomial, v: number, alpha: number): number =>
  rootBetween(0, v / walk.down, (s) => logBetaBinomial(walk, s, v) - Math.log(1 / alpha));

/** Confidence interval of a rate that holds at all times together, tightest after `trialsDue` trials. */
export function rateInterval(
  successes: number,
  trials: number,
  alpha: number,
  trialsDue: number,
): readonly [low: number, high: number] {
  const share = successes / trials;
  const against = (rate: number): number => {
    const variance = rate * (1 - rate);
    const walk = { varianceDue: variance * trialsDue, down: rate, up: 1 - rate, alphaDue: 0.05 };
    return logBetaBinomial(walk, (share - rate) * trials, variance * trials) - Math.log(1 / alpha);
  };
  const low = share === 0 ? 0 : rootBetween(share, 0, against);
  return [low, share === 1 ? 1 : rootBetween(share, 1, against)];
}

/** Where a function crosses zero that is negative near `from` and positive near `to`; neither end is evaluated. */
function rootBetween(from: number, to: number, of: (x: number) => number): number {
  let [negative, positive] = [from, to];
  for (let step = 0; step < 60; step++) {
    const middle = (negative + positive) / 2;
    if (of(middle) < 0) negative = middle;
    else positive = middle;
  }
  return (negative + positive) / 2;
}
