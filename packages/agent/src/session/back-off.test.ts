import { expect, test } from "vitest";
import { reconnectDelay } from "./back-off.ts";

test("the first attempt already lies anywhere in the coordinator's window", () => {
  expect([reconnectDelay(2000, 0, 0), reconnectDelay(2000, 0, 0.5)]).toEqual([0, 1000]);
});

test("the window widens to the time the coordinator has been away, up to a minute", () => {
  expect([1000, 8000, 600_000].map((awayMs) => reconnectDelay(2000, awayMs, 1))).toEqual([2000, 8000, 60_000]);
});

test("a coordinator that comes back is found again within twice the time it was away", () => {
  const awayMs = 5000;
  expect(awayMs + reconnectDelay(500, awayMs, 1)).toBeLessThanOrEqual(2 * awayMs);
});

test("a window wider than a minute is the coordinator's to choose", () => {
  expect(reconnectDelay(120_000, 3000, 1)).toBe(120_000);
});
