import { brentRoot } from "./brent-root.ts";

/** By how much `x` is shifted against `y`: estimate and confidence interval. */
export interface Shift {
  readonly low: number;
  readonly high: number;
  readonly estimate: number;
}

/** 98 %, two-sided: the quantile Kayenta judges by. */
const z = 2.3263478740408408;
const tolerance = 1e-4;

/**
 * Mann-Whitney shift by normal approximation with corrections for ties and continuity, as R's `wilcox.test` and Kayenta do: the
 * shifts at which the standardised statistic crosses ±z, found as roots of a step function.
 */
export function mannWhitneyShift(x: readonly number[], y: readonly number[]): Shift {
  const least = Math.min(...x) - Math.max(...y);
  const most = Math.max(...x) - Math.min(...y);
  const root = (level: number, corrected: boolean): number => {
    const f = (shift: number): number => standardised(x, y, shift, corrected) - level;
    if (f(least) <= 0) return least;
    if (f(most) >= 0) return most;
    return brentRoot(f, least, most, tolerance);
  };
  return { low: root(z, true), high: root(-z, true), estimate: root(0, false) };
}

function standardised(x: readonly number[], y: readonly number[], shift: number, corrected: boolean): number {
  const { rankSum, tied } = ranksOf(
    x.map((value) => value - shift),
    y,
  );
  const [m, n] = [x.length, y.length];
  const surplus = rankSum - (m * (m + 1)) / 2 - (m * n) / 2;
  const correction = corrected ? Math.sign(surplus) * 0.5 : 0;
  const sigma = Math.sqrt(((m * n) / 12) * (m + n + 1 - tied / ((m + n) * (m + n - 1))));
  return sigma === 0 ? 0 : (surplus - correction) / sigma;
}

/** Sum of the ranks of `x` among all, and Σ(t³ − t) over ties. */
function ranksOf(x: readonly number[], y: readonly number[]) {
  const all = [...x.map((value) => ({ value, ofX: true })), ...y.map((value) => ({ value, ofX: false }))];
  all.sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let tied = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.value === all[from]?.value) to++;
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) if (all[i]?.ofX) rankSum += rank;
    tied += (to - from) ** 3 - (to - from);
    from = to;
  }
  return { rankSum, tied };
}
