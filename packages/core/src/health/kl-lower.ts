/**
 * Lower confidence bound of a rate from `bad` of `requests`: the smallest p with n·KL(x/n, p) ≤ log(1/level) (Chernoff;
 * health-verdict §2.5). The rate lies below it with probability `level` at most. Also bounds the mean of numbers in [0, 1].
 */
export function klLower(requests: number, bad: number, level: number): number {
  if (bad === 0) return 0;
  const share = bad / requests;
  const divergence = (rate: number): number =>
    share * Math.log(share / rate) + (share < 1 ? (1 - share) * Math.log((1 - share) / (1 - rate)) : 0);
  let low = 1e-12;
  let high = share;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (requests * divergence(middle) > Math.log(1 / level)) low = middle;
    else high = middle;
  }
  return low;
}
