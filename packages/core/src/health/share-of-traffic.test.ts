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
