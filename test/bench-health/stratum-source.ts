import type { Prng } from "../simulation/prng.ts";
import { poisson } from "./poisson.ts";

export interface Count {
  readonly requests: number;
  readonly bad: number;
}

/** How often requests fail, and how that is spread. */
export interface BadRate {
  readonly rate: number;
  /** Half of the bad requests come in bursts on one host and binding: 1.5 blocks long in the mean, half of the requests fail. */
  readonly bursty: boolean;
}

/** Counts of one stratum on one host, block by block of ten seconds. */
export interface StratumSource {
  /** `factor` on the bad rate, or the bad rate itself. */
  next(change?: { readonly factor?: number; readonly rate?: number }): Count;
}

const burstBlocks = 1.5;
const burstShare = 0.5;

/** Poisson traffic of `perSecond` requests. */
export function stratumSource(prng: Prng, perSecond: number, { rate, bursty }: BadRate): StratumSource {
  let inBurst = false;
  const begins = rate / burstBlocks / Math.max(1e-9, 1 - rate);
  const ends = 1 / burstBlocks;
  return {
    next(change) {
      inBurst = bursty && (inBurst ? !prng.chance(ends) : prng.chance(begins));
      const plain = change?.rate ?? (bursty ? rate / 2 : rate) * (change?.factor ?? 1);
      const share = Math.min(1, inBurst ? plain + burstShare * (1 - plain) : plain);
      const bad = poisson(prng, perSecond * 10 * share);
      return { requests: bad + poisson(prng, perSecond * 10 * (1 - share)), bad };
    },
  };
}
