import { expect, test } from "vitest";
import { instant } from "../units/time.ts";
import {
  awayOnPurpose,
  failedReboots,
  judgeReturn,
  type RebootLease,
  rebootObstacle,
  rebootReturnMs,
} from "./judge-reboot.ts";

const granted: RebootLease = {
  host: "web-1",
  client: "web-1",
  group: "default",
  at: instant(0),
  grantedAt: instant(1_000),
  drains: true,
};
const late = instant(1_000 + rebootReturnMs);

test("a host that does not come back in time keeps all others of the fleet from rebooting, and never itself", () => {
  expect(failedReboots([granted], instant(late - 1))).toEqual([]);
  const asked = { now: late, leases: [granted], sentences: {} };
  expect(rebootObstacle({ ...asked, host: "mail-1" })).toMatchObject({
    refusal: "too_many_failed",
    sentence:
      "web-1 did not come back proven and healthy within 15m of rebooting: no other host is let go until that is put right",
  });
  expect(rebootObstacle({ ...asked, host: "web-1" })).toBeUndefined();
  expect(rebootObstacle({ ...asked, host: "mail-1", leases: [] })).toBeUndefined();
});

test("a host is away on purpose while somebody drains it, and from the word that it may reboot until it is back or late", () => {
  const away = (lease: RebootLease, now = instant(2_000)) => [...awayOnPurpose([lease], [{ host: "web-1" }], now)];
  expect([...awayOnPurpose([], [{ host: "web-2" }], late)]).toEqual(["web-2"]);
  expect(away(granted)).toEqual(["web-1"]);
  expect(away(granted, late)).toEqual([]);
  expect(away({ ...granted, backAt: instant(1_500) })).toEqual([]);
  const { grantedAt: _, ...asked } = granted;
  expect(away(asked)).toEqual([]);
});

test("a host is back when it reports, runs what is proven and answers on every way in", () => {
  const back = { now: instant(61_000), connected: true, notRunning: [], unhealthy: [] };
  expect(judgeReturn(granted, back)).toEqual({ kind: "yes" });
  expect(judgeReturn(granted, { ...back, connected: false, notRunning: ["site:shop"] })).toMatchObject({
    kind: "no",
    refusal: "not_healthy",
    sentence: "web-1 is not back yet: web-1 does not report; the proven release of site:shop does not run (14m left)",
  });
});

test("a turn that was never granted is given back without being asked for health", () => {
  const { grantedAt: _, ...waiting } = granted;
  const away = { now: late, connected: false, notRunning: [], unhealthy: [] };
  expect(judgeReturn(waiting, away)).toEqual({ kind: "yes" });
});
