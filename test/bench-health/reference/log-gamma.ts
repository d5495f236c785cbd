/** Lanczos' approximation with g = 7 and nine terms: relative error below 1e-13 for positive arguments. */
const lanczos: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** Natural logarithm of Γ(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const sum = lanczos.reduce((total, term, index) => total + (index === 0 ? term : term / (x - 1 + index)));
  const shifted = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(shifted) - shifted + Math.log(sum);
}

/** Natural logarithm of the multivariate beta function: Π Γ(aᵢ) / Γ(Σ aᵢ). */
export const logBeta = (a: readonly number[]): number =>
  a.reduce((sum, one) => sum + logGamma(one), 0) - logGamma(a.reduce((sum, one) => sum + one, 0));
