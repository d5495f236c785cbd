import { expect, test } from "vitest";
import { Outbox } from "./outbox.ts";

test("a batch is the same until it is acknowledged, and items that come meanwhile wait for the next", () => {
  const outbox = new Outbox<number>(100);
  outbox.add([1, 2]);
  const first = outbox.batch(10);
  outbox.add([3]);
  expect(outbox.batch(10)).toBe(first);
  expect(outbox.acknowledge(99)).toBe(false);
  expect(outbox.acknowledge(first?.seq ?? 0)).toBe(true);
  expect(outbox.batch(10)?.items).toEqual([3]);
});

test("a batch holds no more than the coordinator takes", () => {
  const outbox = new Outbox<number>(100);
  outbox.add([1, 2, 3]);
  expect(outbox.batch(2)?.items).toHaveLength(2);
});

test("when there is no more room the oldest items give way, and the next batch says how many", () => {
  const outbox = new Outbox<number>(2);
  outbox.add([1, 2, 3]);
  expect(outbox.batch(10)).toMatchObject({ dropped: 1, items: [2, 3] });
});

test("what was lost before it could be sent is told once, with the next batch", () => {
  const outbox = new Outbox<number>(10);
  outbox.lost(4);
  expect(outbox.batch(10)).toBeUndefined();
  outbox.add([1]);
  expect(outbox.batch(10)).toMatchObject({ dropped: 4, items: [1] });
  outbox.acknowledge(1);
  outbox.add([2]);
  expect(outbox.batch(10)).toMatchObject({ dropped: 0, items: [2] });
});
