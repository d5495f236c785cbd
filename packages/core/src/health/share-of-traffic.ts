import { klLower } from "./kl-lower.ts";

/** Stakes, as shares of the largest one that can never lose everything. */
const stakes: readonly number[] = [0.5, 0.75, 1];

/**
 * Evidence that users stay away from one way of a changed host: its share of all requests to that way is compared with the
 * share it had (health-verdict §2.7). Counting only says that requests went elsewhere, so it never halts by itself.
 */
export interface ShareOfTraffic {
  readonly host: string;
  /** Half of what the host's share was at least; absent: there was nobody to share with. A share above it is no silence. */
  readonly usualShare?: number;
  /** Requests one would have expected since the change, and those that came. */
  readonly expectedPerSecond: number;
  readonly requests: number;
  readonly logBets: readonly number[];
}

/** From the host's share of the requests in each unit before the change in which anyone had requests. */
export function shareOfTraffic(
  host: string,
  sharesBefore: readonly number[],
  expectedPerSecond: number,
): ShareOfTraffic {
  const sum = sharesBefore.reduce((total, share) => total + share, 0);
  const atLeast = sharesBefore.length < unitsMin ? 0 : klLower(sharesBefore.length, sum, 0.025);
  const usual = atLeast > 0 ? { usualShare: Math.min(0.9, atLeast / 2) } : {};
  return { host, ...usual, expectedPerSecond, requests: 0, logBets: stakes.map(() => 0) };
}

/** More is not kept: users who come back after hours of silence are seen within minutes. */
const logMax = Math.log(100);

/** Fewer units say too little about a share. */
const unitsMin = 30;

/** One unit: requests of the changed host, and of the others. */
export function feedShare(test: ShareOfTraffic, requests: number, others: number): ShareOfTraffic {
  if (requests + others === 0) return test;
  const counted = { ...test, requests: test.requests + requests };
  const { usualShare } = test;
  if (usualShare === undefined || others === 0) return counted;
  const surplus = 1 - requests / (requests + others) / usualShare;
  const largest = usualShare / (1 - usualShare);
  const next = test.logBets.map((log, j) => log + Math.log1p((stakes[j] ?? 0) * largest * surplus));
  return { ...counted, logBets: next.map((log) => Math.min(log, logMax)) };
}

/** Requests stay away: 20 : 1 against the usual share, or none at all where ten were due and nobody else is there to ask. */
export function isSilent(
  { usualShare, logBets, requests, expectedPerSecond }: ShareOfTraffic,
  seconds: number,
): boolean {
  if (usualShare === undefined) return requests === 0 && expectedPerSecond * seconds >= 10;
  const mean = logBets.reduce((sum, log) => sum + Math.exp(log), 0) / logBets.length;
  return mean >= 20;
}
