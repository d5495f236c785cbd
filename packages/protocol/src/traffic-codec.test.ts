import { blockMs, instant, outcomes, type TrafficBlock } from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TrafficBatch } from "./generated/sluice/agent/v1/agent.ts";
import { fromWireTraffic, toWireTraffic } from "./traffic-codec.ts";

const counts = fc.dictionary(fc.constantFrom(...outcomes), fc.integer({ min: 1, max: 100_000 }));
const latency = fc
  .array(fc.nat({ max: 1000 }), { maxLength: 74 })
  .map((places) => places.slice(0, places.findLastIndex((count) => count > 0) + 1));

const block: fc.Arbitrary<TrafficBlock> = fc.record({
  startsAt: fc.integer({ min: 1, max: 200 }).map((number) => instant(number * blockMs)),
  site: fc.constantFrom("shop", "blog"),
  binding: fc.constantFrom("a.example", "b.example"),
  bindingPort: fc.constantFrom(80, 443),
  hop: fc.constantFrom("front" as const, "proxy" as const),
  outcomes: fc.oneof(fc.constant({}), counts),
  latency: fc.oneof(fc.constant([]), latency),
});

const order = ({ site, binding, bindingPort, hop, startsAt }: TrafficBlock) =>
  [site, binding, bindingPort, hop, startsAt].join();
const inOrder = (blocks: readonly TrafficBlock[]) =>
  blocks.map((one) => ({ ...one, outcomes: { ...one.outcomes } })).toSorted((a, b) => (order(a) < order(b) ? -1 : 1));

test("blocks arrive as they were sent, those without a request as well", () => {
  fc.assert(
    fc.property(fc.uniqueArray(block, { selector: order }), (blocks) => {
      const batch = { seq: 1, epoch: "e", dropped: 0, series: toWireTraffic(blocks) };
      const arrived = TrafficBatch.decode(TrafficBatch.encode(batch).finish());
      expect(inOrder(fromWireTraffic(arrived.series))).toEqual(inOrder(blocks));
    }),
  );
});

test("an hour without a request is one run", () => {
  const quiet = Array.from(
    { length: 360 },
    (_, index): TrafficBlock => ({
      ...{ site: "shop", binding: "a.example", bindingPort: 80, hop: "proxy", outcomes: {}, latency: [] },
      startsAt: instant((index + 1) * blockMs),
    }),
  );
  expect(toWireTraffic(quiet)).toMatchObject([{ blocks: [], quiet: [{ startsAtMs: blockMs, blocks: 360 }] }]);
});

const series = { site: "shop", binding: "a", bindingPort: 80, hop: "proxy", blocks: [], quiet: [] };

test.each([
  [{ ...series, hop: "edge" }, "'edge' is no hop that counts requests"],
  [{ ...series, quiet: [{ startsAtMs: 7, blocks: 1 }] }, "no block starts at 7"],
  [{ ...series, quiet: [{ startsAtMs: blockMs, blocks: 1e9 }] }, "more than a day"],
])("what is outside the contract is refused in words", (wrong, words) => {
  expect(() => fromWireTraffic([wrong])).toThrow(words);
});
