/** One table of the report. */
export interface Study {
  readonly name: string;
  /** What is shown, in one sentence. */
  readonly title: string;
  /** `runs` is the size at which the bars are meant to be checked. */
  run(options: StudyOptions): StudyResult;
}

export interface StudyOptions {
  /** Repetitions of each cell. */
  readonly runs: number;
  readonly seed: number;
}

export interface StudyResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly bars: readonly Bar[];
}

/** A promise of the rule, and what was measured. */
export interface Bar {
  readonly promise: string;
  readonly measured: string;
  readonly kept: boolean;
}

/** `1.3±0.6 %`: a share and its standard error. */
export function shareText(found: number, of: number): string {
  if (of === 0) return "-";
  const share = found / of;
  if (found === 0) return "0";
  if (found === of) return "100 %";
  const error = Math.sqrt((share * (1 - share)) / of);
  return `${(share * 100).toFixed(1)}±${(error * 100).toFixed(1)} %`;
}

/** The value below which `share` of the numbers lie. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Standard error of a median, from the order statistics around it. */
export function medianError(numbers: readonly number[]): number {
  const width = Math.sqrt(0.25 / Math.max(1, numbers.length));
  return (quantile(numbers, 0.5 + width) - quantile(numbers, Math.max(0, 0.5 - width))) / 2;
}
