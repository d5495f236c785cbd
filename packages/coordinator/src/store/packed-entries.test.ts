import fc from "fast-check";
import { expect, test } from "vitest";
import { packEntries, unpackEntries } from "./packed-entries.ts";

const number = fc.oneof(fc.nat({ max: 200 }), fc.maxSafeNat());
const entry = fc.record({
  way: number,
  counts: fc.array(number, { maxLength: 90 }),
  text: fc.string({ unit: "grapheme" }),
});

test("entries are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      expect(unpackEntries(packEntries(entries))).toEqual(entries);
    }),
  );
});

test("forty ways without a request take less than 160 bytes", () => {
  const quiet = Array.from({ length: 40 }, (_, index) => ({ way: 100 + index, counts: [], text: "" }));
  expect(packEntries(quiet).length).toBeLessThan(160);
});

test("a row that is cut short is not taken for a shorter one", () => {
  const bytes = packEntries([{ way: 1, counts: [5, 70_000], text: "answered 400" }]);
  expect(() => unpackEntries(bytes.subarray(0, bytes.length - 1))).toThrow("cut short");
  expect(() => unpackEntries(bytes.subarray(0, 1))).toThrow("cut short");
});
