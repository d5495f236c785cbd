/**
 * Stakes λ of the bets that the e-processes average over: no single one has to be right, and the sum loses at most the factor
 * of their number against the best (health-verdict §2.2). The stake 0 keeps what one starts with: 1/9.
 */
export const bettingFractions: readonly number[] = [0.03, 0.08, 0.16, 0.28, 0.42, 0.58, 0.75, 0.92];

/** Averages over all stakes, the stake 0 included, from the logarithms of what each of {@link bettingFractions} has become. */
export function logMeanOfBets(logs: readonly number[], from = 0): number {
  let max = 0;
  for (let j = 0; j < bettingFractions.length; j++) max = Math.max(max, logs[from + j] ?? 0);
  let sum = Math.exp(-max);
  for (let j = 0; j < bettingFractions.length; j++) sum += Math.exp((logs[from + j] ?? 0) - max);
  return max + Math.log(sum / (bettingFractions.length + 1));
}
