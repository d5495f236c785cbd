import { expect, test } from "vitest";
import { reconnectDelay } from "./back-off.ts";

test("the first attempt already lies anywhere in the coordinator's window", () => {
  expect([reconnectDelay(2000, 0, 0), reconnectDelay(2000, 0, 0.5)]).toEqual([0, 1000]);
});

test("the window doubles with every failure, up to a minute", () => {
  expect([1, 2, 20].map((failures) => reconnectDelay(2000, failures, 1))).toEqual([4000, 8000, 60_000]);
});

test("a window wider than a minute is the coordinator's to choose", () => {
  expect(reconnectDelay(120_000, 3, 1)).toBe(120_000);
});
