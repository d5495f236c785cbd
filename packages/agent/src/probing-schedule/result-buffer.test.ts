import { instant, type ProbeResult } from "@sluice/core";
import { expect, test } from "vitest";
import { ResultBuffer } from "./result-buffer.ts";

const result = (at: number): ProbeResult => ({
  host: "web-1",
  site: "shop",
  binding: "shop.internal",
  hop: "proxy",
  probe: "GET /",
  at: instant(at),
  tookMs: 1,
  outcome: { kind: "good", status: 200 },
});

test("a batch is the same until it is acknowledged, and results that come meanwhile wait for the next", () => {
  const buffer = new ResultBuffer();
  buffer.add([result(1), result(2)]);
  const first = buffer.batch(10);
  buffer.add([result(3)]);
  expect(buffer.batch(10)).toBe(first);
  expect(buffer.acknowledge(99)).toBe(false);
  expect(buffer.acknowledge(first?.seq ?? 0)).toBe(true);
  expect(buffer.batch(10)?.results).toEqual([result(3)]);
});

test("a batch holds no more than the coordinator takes", () => {
  const buffer = new ResultBuffer();
  buffer.add([result(1), result(2), result(3)]);
  expect(buffer.batch(2)?.results).toHaveLength(2);
});

test("when the buffer is full the oldest results give way, and the next batch says how many", () => {
  const buffer = new ResultBuffer(2);
  buffer.add([result(1), result(2), result(3)]);
  expect(buffer.batch(10)).toMatchObject({ dropped: 1, results: [result(2), result(3)] });
});

test("an empty buffer has no batch", () => {
  expect(new ResultBuffer().batch(10)).toBeUndefined();
});
