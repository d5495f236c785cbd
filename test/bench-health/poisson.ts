import type { Prng } from "../simulation/prng.ts";

/**
 * A Poisson number. Small means by counting exponential gaps (Knuth); from 10 on by Hörmann's transformed rejection with
 * squeeze ("The transformed rejection method for generating Poisson random variables", 1993, algorithm PTRS).
 */
export function poisson(prng: Prng, mean: number): number {
  if (mean <= 0) return 0;
  return mean < 10 ? poissonByGaps(prng, mean) : poissonByRejection(prng, mean);
}

function poissonByGaps(prng: Prng, mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = prng.next(); product > limit; product *= prng.next()) count++;
  return count;
}

function poissonByRejection(prng: Prng, mean: number): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const invAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const vr = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = prng.next() - 0.5;
    const v = prng.next();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const accepted = Math.log(v) + Math.log(invAlpha) - Math.log(a / (us * us) + b);
    if (accepted <= k * Math.log(mean) - mean - logFactorial(k)) return k;
  }
}

function logFactorial(k: number): number {
  if (k < 20) {
    let log = 0;
    for (let i = 2; i <= k; i++) log += Math.log(i);
    return log;
  }
  return (k + 0.5) * Math.log(k) - k + 0.9189385332046727 + 1 / (12 * k) - 1 / (360 * k ** 3);
}
