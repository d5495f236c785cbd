import { expect, test } from "vitest";
import { feedShare, isSilent, type ShareOfTraffic, shareOfTraffic } from "./share-of-traffic.ts";

const quarter = Array.from({ length: 720 }, () => 0.25);
const fed = (start: ShareOfTraffic, blocks: number, requests: number): ShareOfTraffic =>
  Array.from({ length: blocks }).reduce<ShareOfTraffic>((share) => feedShare(share, requests, 30), start);

test("a quarter of the traffic that stays away is silence after a few minutes", () => {
  const start = shareOfTraffic("web-1", quarter, 1);
  expect(isSilent(fed(start, 12, 0), 120)).toBe(false);
  expect(isSilent(fed(start, 40, 0), 400)).toBe(true);
});

test("less traffic than before, and none anywhere, are no silence", () => {
  const start = shareOfTraffic("web-1", quarter, 1);
  expect(isSilent(fed(start, 360, 6), 3600)).toBe(false);
  const night = Array.from({ length: 360 }).reduce<ShareOfTraffic>((share) => feedShare(share, 0, 0), start);
  expect(isSilent(night, 3600)).toBe(false);
});

test("without others it is silence when ten requests were due and none came", () => {
  const alone = shareOfTraffic("web-1", [], 0.1);
  expect(isSilent(alone, 90)).toBe(false);
  expect(isSilent(alone, 100)).toBe(true);
  expect(isSilent(feedShare(alone, 1, 0), 1000)).toBe(false);
});

test("a unit is expected to gain nothing for any stake when the share is the usual one of units in which others had requests", () => {
  for (const [requests, chance] of [
    [1, 0.25],
    [3, 0.25],
    [8, 0.6],
  ] as const) {
    const chances = Array.from(
      { length: requests },
      (_, here) => choose(requests, here) * chance ** here * (1 - chance) ** (requests - here),
    );
    const total = chances.reduce((sum, one) => sum + one, 0);
    const usualShare = chances.reduce((sum, one, here) => sum + (one / total) * (here / requests), 0);
    const start: ShareOfTraffic = { ...shareOfTraffic("web-1", [], 1), usualShare: Math.max(usualShare, 1e-9) };
    const expected = start.logBets.map((_, j) =>
      chances.reduce((sum, one, here) => {
        const { logBets } = feedShare(start, here, requests - here);
        return sum + (one / total) * Math.exp(logBets[j] ?? Number.NaN);
      }, 0),
    );
    for (const value of expected) expect(value).toBeCloseTo(1, 6);
  }
});

function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 0; i < k; i++) product = (product * (n - i)) / (i + 1);
  return product;
}
