import { expect, test } from "vitest";
import { Silence } from "./silence.ts";

test("a program is silent since it was first looked at, and from then on since its last sign", () => {
  const silence = new Silence(500);
  expect([0, 500, 1000].map((at) => silence.look(at))).toEqual([0, 500, 1000]);
  expect(silence.wasHeard).toBe(false);
  silence.heard();
  expect(silence.wasHeard).toBe(true);
  expect([1500, 2000].map((at) => silence.look(at))).toEqual([500, 1000]);
  silence.heard();
  expect(silence.look(2500)).toBe(500);
});

test("a machine that stood still has heard nothing, and that is nobody's silence", () => {
  const silence = new Silence(500);
  silence.heard();
  silence.look(0);
  expect(silence.look(3_600_000)).toBe(1000);
  expect(silence.look(3_600_500)).toBe(1500);
});
