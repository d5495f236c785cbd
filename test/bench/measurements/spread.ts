/** What several rounds of one measurement say: the middle, and how far apart the rounds were. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

/** Of at least one finite value; undefined when there is none. An even number of values has the mean of the middle two. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return undefined;
  return { median: percentileOf(sorted, 0.5), min, max, rounds: sorted.length };
}

/** Linear between the two nearest values; `sorted` ascends and is not empty, `share` lies in 0..1. */
export function percentileOf(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
