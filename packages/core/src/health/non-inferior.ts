/**
 * Requests since a change, as evidence that the bad share did *not* rise to a given rate (E_NI, health-verdict §2.5): the dual
 * of a halt, so that without data nothing passes. The counts may be fractions: divided by the dispersion.
 */
export interface NonInferior {
  readonly requests: number;
  readonly bad: number;
}

/** True rates the test bets on, as shares of the rate to exclude, and its faith in each. */
const bets: readonly { readonly share: number; readonly faith: number }[] = [
  { share: 0, faith: 0.4 },
  { share: 0.1, faith: 0.25 },
  { share: 0.3, faith: 0.2 },
  { share: 0.6, faith: 0.15 },
];

/** Natural logarithm of the evidence that the bad share lies below `rate`. */
export function logNonInferior({ requests, bad }: NonInferior, rate: number): number {
  const logs = bets.filter(({ share }) => share > 0 || bad === 0).map((bet) => logOfBet(bet, requests, bad, rate));
  const max = Math.max(...logs);
  return max + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - max), 0));
}

function logOfBet({ share, faith }: (typeof bets)[number], requests: number, bad: number, rate: number): number {
  const ofBad = bad === 0 ? 0 : bad * Math.log(share);
  return Math.log(faith) + ofBad + (requests - bad) * (Math.log1p(-share * rate) - Math.log1p(-rate));
}

/** Counts of probes are small numbers that come again and again, for every way and host. */
const excludedRates = new Map<string, number>();
const excludedRatesMax = 4096;

/** The smallest rate that is excluded with `logBar`; 1 when none is. */
export function excludedRate(counts: NonInferior, logBar: number): number {
  const key = `${counts.requests}|${counts.bad}|${logBar}`;
  const known = excludedRates.get(key);
  if (known !== undefined) return known;
  if (excludedRates.size >= excludedRatesMax) excludedRates.clear();
  const found = searchExcludedRate(counts, logBar);
  excludedRates.set(key, found);
  return found;
}

function searchExcludedRate(counts: NonInferior, logBar: number): number {
  let low = counts.requests === 0 ? 1 : counts.bad / counts.requests;
  let high = 1 - 1e-9;
  if (low >= high || logNonInferior(counts, high) < logBar) return 1;
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (logNonInferior(counts, middle) >= logBar) high = middle;
    else low = middle;
  }
  return high;
}

/** Good requests that are still missing to exclude `rate`; infinite when the rate is one that nothing exceeds. */
export function goodRequestsMissing({ requests, bad }: NonInferior, rate: number, logBar: number): number {
  if (rate >= 1) return Number.POSITIVE_INFINITY;
  const enough = (more: number): boolean => logNonInferior({ requests: requests + more, bad }, rate) >= logBar;
  let high = 1;
  while (!enough(high)) high *= 2;
  let low = 0;
  if (enough(low)) return 0;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Requests it takes to exclude `rate` when the true bad share is `share`, in expectation; infinite when it never ends. */
export function requestsToExclude(rate: number, share: number, logBar: number): number {
  if (rate >= 1) return Number.POSITIVE_INFINITY;
  return Math.min(...bets.map((bet) => requestsOfBet(bet, rate, share, logBar)));
}

function requestsOfBet(bet: (typeof bets)[number], rate: number, share: number, logBar: number): number {
  if (bet.share === 0 && share > 0) return Number.POSITIVE_INFINITY;
  const growth =
    (share === 0 ? 0 : share * Math.log(bet.share)) + (1 - share) * (Math.log1p(-bet.share * rate) - Math.log1p(-rate));
  return growth <= 0 ? Number.POSITIVE_INFINITY : Math.ceil((logBar - Math.log(bet.faith)) / growth);
}
