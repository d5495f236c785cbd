/** Of one group: requests per block, and the successes and failures it is pretended to have seen before. */
export interface Group {
  readonly perBlock: number;
  readonly prior: readonly [successes: number, failures: number];
}

/**
 * Evidence that two groups succeed at different rates, block by block (safestats; Turner, Ly and Grünwald, "Generic E-variables for
 * exact sequential k-sample tests", 2021): the likelihood under the posterior means of both groups, against that under their
 * pooled mean. Each block holds the successes of group a and of group b.
 */
export function twoProportionsEvidence(blocks: readonly (readonly [number, number])[], a: Group, b: Group): number {
  let log = 0;
  let [seenA, seenB] = [a.prior, b.prior];
  for (const [ya, yb] of blocks) {
    const rateA = meanOf(seenA);
    const rateB = meanOf(seenB);
    const pooled = (a.perBlock * rateA + b.perBlock * rateB) / (a.perBlock + b.perBlock);
    log += logLikelihood(ya, a.perBlock, rateA) + logLikelihood(yb, b.perBlock, rateB);
    log -= logLikelihood(ya + yb, a.perBlock + b.perBlock, pooled);
    seenA = [seenA[0] + ya, seenA[1] + a.perBlock - ya];
    seenB = [seenB[0] + yb, seenB[1] + b.perBlock - yb];
  }
  return Math.exp(log);
}

const meanOf = ([successes, failures]: Group["prior"]): number => successes / (successes + failures);

/** Without the binomial coefficients, which cancel. */
const logLikelihood = (successes: number, of: number, rate: number): number =>
  successes * Math.log(rate) + (of - successes) * Math.log(1 - rate);
