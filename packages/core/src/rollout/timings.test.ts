import { expect, test } from "vitest";
import { instant, minutes, seconds } from "../units/time.ts";
import { stage } from "./rollout-builders.ts";
import { activatingDeadline, confirmBy, observingDeadline, revertingDeadline } from "./timings.ts";

const now = instant(1_000_000);
const hosts = ["web-1", "web-2", "web-3", "web-4", "web-5"];
const gates = { soakMs: seconds(30), approval: [], maxWaitMs: minutes(5) };
const timed = (maxUnavailable: number) =>
  stage("production", [hosts], { maxUnavailable, stepTimeoutMs: minutes(2), gates });

test("a wave has the time of one host for every turn that it takes", () => {
  expect(activatingDeadline(timed(1), hosts.length, now) - now).toBe(minutes(10));
  expect(activatingDeadline(timed(2), hosts.length, now) - now).toBe(minutes(6));
});

test("a host undoes a grant five minutes after its wave could be confirmed at the latest, and no sooner", () => {
  const activatingUntil = activatingDeadline(timed(1), hosts.length, now);
  expect(observingDeadline(timed(1), activatingUntil) - activatingUntil).toBe(seconds(30) + minutes(5));
  expect(confirmBy(timed(1), activatingUntil)).toBe(observingDeadline(timed(1), activatingUntil) + minutes(5));
});

test("the way back has the time of one host for every turn of every environment, and five minutes", () => {
  // Twice as many go back at a time as go forwards: five hosts take three turns, and two.
  expect(revertingDeadline([timed(1)], now) - now).toBe(3 * minutes(2) + minutes(5));
  expect(revertingDeadline([timed(1), timed(2)], now) - now).toBe((3 + 2) * minutes(2) + minutes(5));
});
