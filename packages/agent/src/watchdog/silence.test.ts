import { expect, test } from "vitest";
import { Silence } from "./silence.ts";

test("a program that was never heard is not silent, and one that was heard is from then on", () => {
  const silence = new Silence(500);
  expect([0, 500, 60_000].map((at) => silence.look(at))).toEqual([undefined, undefined, undefined]);
  silence.heard();
  expect([60_500, 61_000, 61_500].map((at) => silence.look(at))).toEqual([500, 1000, 1500]);
  silence.heard();
  expect(silence.look(62_000)).toBe(500);
});

test("a machine that stood still has heard nothing, and that is nobody's silence", () => {
  const silence = new Silence(500);
  silence.heard();
  silence.look(0);
  expect(silence.look(3_600_000)).toBe(1000);
  expect(silence.look(3_600_500)).toBe(1500);
});
