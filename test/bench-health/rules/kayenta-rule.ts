import type { Count } from "../stratum-source.ts";
import { mannWhitneyShift } from "./mann-whitney.ts";

/**
 * Like Kayenta's classifier with default settings: the bad share of each minute, changed host against the others; "high" when the
 * shift is above a quarter of its own estimate with 98 % confidence and the mean did not fall.
 */
export function kayentaIsHigh(changed: readonly number[], others: readonly number[]): boolean {
  if (changed.every((value, index) => value === others[index])) return false;
  if (new Set([...changed, ...others]).size === 1) return false;
  const { low, estimate } = mannWhitneyShift(changed, others);
  const [experiment, control] = [mean(changed), mean(others)];
  const largeEnough = experiment === 0 || control === 0 || experiment / control >= 1;
  return low > 0.25 * Math.abs(estimate) && largeEnough;
}

/** Judged at these minutes, on everything since the change. */
export function kayentaHaltsAt(
  changed: readonly Count[],
  others: readonly Count[],
  minutes: readonly number[],
): number | undefined {
  const halt = minutes.find((minute) =>
    kayentaIsHigh(shares(changed.slice(0, minute)), shares(others.slice(0, minute))),
  );
  return halt === undefined ? undefined : halt * 60;
}

const shares = (counts: readonly Count[]): readonly number[] =>
  counts.filter(({ requests }) => requests > 0).map(({ requests, bad }) => bad / requests);

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
