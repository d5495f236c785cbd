import { expect, test } from "vitest";
import { durationMs, instant, minutes, seconds } from "../units/time.ts";
import { type DrainOrder, type DrainSeen, judgeDrain } from "./drain.ts";

const order: DrainOrder = {
  host: "web-1",
  by: "ada",
  reason: "new disk",
  at: instant(1_000_000),
  noticeMs: seconds(15),
  limitMs: minutes(5),
};

const seen = (ms: number, more: Partial<DrainSeen> = {}): DrainSeen => ({
  now: instant(order.at + ms),
  connected: true,
  obeyedSince: instant(order.at + 2_000),
  open: 0,
  ...more,
});

test("a quiet host is drained only when the edge has had time to notice", () => {
  expect(judgeDrain(order, seen(16_999))).toMatchObject({ phase: "emptying", until: order.at + 17_000 });
  expect(judgeDrain(order, seen(17_000))).toEqual({ phase: "drained", sentence: "web-1 is drained" });
});

test("requests under way are waited for until the limit, and then said to be cut", () => {
  expect(judgeDrain(order, seen(60_000, { open: 3 }))).toEqual({
    phase: "emptying",
    sentence: "3 requests are left on web-1; it counts as drained in 4m whoever is left",
    until: order.at + minutes(5),
  });
  expect(judgeDrain(order, seen(minutes(5), { open: 1 })).sentence).toBe(
    "web-1 is drained: 1 request is left when the limit of 5m passed",
  );
});

test("a host that is silent or does not obey is never drained, whatever the limit", () => {
  expect(judgeDrain(order, seen(minutes(60), { connected: false }))).toMatchObject({ phase: "ordered" });
  expect(judgeDrain(order, seen(minutes(60), { obeyedSince: undefined }))).toMatchObject({ phase: "ordered" });
});

test("one that obeys late gives the edge its whole notice all the same", () => {
  const late = { obeyedSince: instant(order.at + minutes(10)) };
  expect(judgeDrain(order, seen(minutes(10) + durationMs(14_000), late))).toMatchObject({ phase: "emptying" });
});

test("what a host says about an earlier drain does not count for the notice of this one", () => {
  const earlier = { obeyedSince: instant(order.at - minutes(2)) };
  expect(judgeDrain(order, seen(14_999, earlier))).toMatchObject({ phase: "emptying", until: order.at + 15_000 });
  expect(judgeDrain(order, seen(15_000, earlier))).toMatchObject({ phase: "drained" });
});
