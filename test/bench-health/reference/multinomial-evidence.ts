import { logBeta, logGamma } from "./log-gamma.ts";

/** Logarithms of the probability of counts under the mixture, and under the shares of the null hypothesis. */
export interface Marginals {
  readonly logMixture: number;
  readonly logNull: number;
}

/**
 * Evidence that counts do not come in the given shares, by a Dirichlet mixture (Lindon and Malek, "Anytime-valid inference for
 * multinomial count data", 2022). It also compares Poisson streams whose common intensity moves: given that an event came, only
 * the shares decide from which stream. `batches` are counts in order of time; the coefficients of each are kept, as ssrm does,
 * and cancel in the evidence.
 */
export function multinomialMarginals(
  batches: readonly (readonly number[])[],
  shares: readonly number[],
  prior: readonly number[],
): Marginals {
  let logMixture = 0;
  let logNull = 0;
  let concentration = prior;
  for (const counts of batches) {
    const coefficient = logGamma(sum(counts) + 1) - sum(counts.map((count) => logGamma(count + 1)));
    const after = concentration.map((one, index) => one + (counts[index] ?? 0));
    logMixture += coefficient + logBeta(after) - logBeta(concentration);
    logNull += coefficient + sum(counts.map((count, index) => count * Math.log(shares[index] ?? Number.NaN)));
    concentration = after;
  }
  return { logMixture, logNull };
}

/** Anytime-valid p-value: one over the evidence. */
export function multinomialPValue(
  counts: readonly number[],
  shares: readonly number[],
  prior: readonly number[],
): number {
  const { logMixture, logNull } = multinomialMarginals([counts], shares, prior);
  return Math.exp(logNull - logMixture);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
