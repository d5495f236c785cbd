import { blockMs, type Instant, instant, type Outcome, type UnitKey } from "@sluice/core";
import { expect, test } from "vitest";
import type { CountedProxy, CountsReading } from "../drivers.ts";
import { closeBlock, emptyTally, type Tally, withReading } from "./traffic-tally.ts";

const start = (block: number): Instant => instant(block * blockMs);
/** A reading at the end of a block, which is a little after it. */
const endOf = (block: number, lateMs = 5): Instant => instant((block + 1) * blockMs + lateMs);

type Counts = Partial<Record<Outcome, number>>;

interface Said {
  readonly users: Counts;
  readonly latency?: readonly number[];
  readonly startedAt?: number;
  readonly unit?: UnitKey;
}

function counted(childId: string, { users, latency = [], startedAt = 1, unit = "proxy:shop" }: Said): CountedProxy {
  const none = { outcomes: {}, sumMs: 0, latency: [] };
  const site = unit === "front" ? { site: "shop" } : {};
  const binding = {
    name: "a.example",
    bindingPort: 80,
    ...site,
    users: { ...none, outcomes: users, latency },
    probes: none,
  };
  const refused = { malformed: 0, unknownHost: 0 };
  return { unit, childId, counts: { startedAt, latencyBoundsMs: [], bindings: [binding], refused } };
}

const silent = (...childIds: string[]): CountsReading["silent"] =>
  childIds.map((childId) => ({ childId, unit: "proxy:shop" }));

const reading = (at: Instant, list: readonly CountedProxy[], still: CountsReading["silent"] = []): CountsReading => ({
  at,
  counted: list,
  silent: still,
});

/** An agent that began to read in the middle of block 0, and closed it. */
const settled = (...list: readonly CountedProxy[]): Tally => {
  const begun = withReading(emptyTally, reading(instant(start(0) + 5000), list), start(0));
  return closeBlock(begun, reading(endOf(0), list), start(0)).tally;
};

const outcomesOf = (closed: ReturnType<typeof closeBlock>) =>
  closed.blocks.map(({ hop, outcomes }) => [hop, outcomes] as const);

test("a block is the difference of the readings at its ends, by outcome and by latency", () => {
  const tally = settled(counted("p-1", { users: { ok: 100, refused: 3 }, latency: [50, 53] }));
  const next = counted("p-1", { users: { ok: 140, refused: 5, failed: 1 }, latency: [50, 90, 6, 0, 3] });
  expect(closeBlock(tally, reading(endOf(1), [next]), start(1))).toMatchObject({
    lost: 0,
    blocks: [
      {
        ...{ startsAt: start(1), site: "shop", binding: "a.example", bindingPort: 80, hop: "proxy" },
        outcomes: { ok: 40, refused: 2, failed: 1 },
        latency: [0, 37, 6, 0, 3],
      },
    ],
  });
});

test("what was counted before the agent looked first is in no block", () => {
  const first = withReading(emptyTally, reading(instant(5), [counted("p-1", { users: { ok: 9000 } })]), start(0));
  const closed = closeBlock(first, reading(endOf(0), [counted("p-1", { users: { ok: 9001 } })]), start(0));
  expect(outcomesOf(closed)).toEqual([["proxy", { ok: 1 }]]);
});

test("nobody came: the block is there, with nothing in it", () => {
  const quiet = counted("p-1", { users: { ok: 7 } });
  const closed = closeBlock(settled(quiet), reading(endOf(1), [quiet]), start(1));
  expect(closed.blocks).toMatchObject([{ startsAt: start(1), outcomes: {}, latency: [] }]);
});

test("a predecessor and its successor add up, front and site proxy do not", () => {
  const tally = settled(counted("p-1", { users: { ok: 10 } }), counted("f-1", { users: { ok: 10 }, unit: "front" }));
  const list = [
    counted("p-1", { users: { ok: 14 } }),
    counted("p-2", { users: { ok: 3, failed: 1 }, startedAt: 2 }),
    counted("f-1", { users: { ok: 18 }, unit: "front" }),
  ];
  expect(outcomesOf(closeBlock(tally, reading(endOf(1), list), start(1)))).toEqual([
    ["proxy", { ok: 7, failed: 1 }],
    ["front", { ok: 8 }],
  ]);
});

test("a process that was started again counts from zero", () => {
  const tally = settled(counted("p-1", { users: { ok: 1000 } }));
  const again = counted("p-1", { users: { ok: 6 }, startedAt: 77 });
  expect(outcomesOf(closeBlock(tally, reading(endOf(1), [again]), start(1)))).toEqual([["proxy", { ok: 6 }]]);
});

test("of a process that ended between two readings counts what it said last", () => {
  const old = (ok: number) => counted("p-1", { users: { ok } });
  const young = (ok: number) => counted("p-2", { users: { ok }, startedAt: 2 });
  const between = withReading(settled(old(10)), reading(instant(start(1) + 3000), [old(15), young(2)]), start(1));
  const closed = closeBlock(between, reading(endOf(1), [young(20)]), start(1));
  expect(outcomesOf(closed)).toEqual([["proxy", { ok: 25 }]]);
});

test("while a process can't be read its ways have no block, and what it counted meanwhile is dropped and counted", () => {
  const all = (ok: number) => [counted("p-1", { users: { ok } }), counted("f-1", { users: { ok }, unit: "front" })];
  const [front] = all(30).slice(1);
  if (front === undefined) throw new Error("there is a front");
  const missed = closeBlock(settled(...all(10)), reading(endOf(1), [front], silent("p-1")), start(1));
  expect([outcomesOf(missed), missed.lost]).toEqual([[["front", { ok: 20 }]], 1]);
  const back = closeBlock(missed.tally, reading(endOf(2), all(50)), start(2));
  expect([outcomesOf(back), back.lost]).toEqual([[["front", { ok: 20 }]], 1]);
  const after = closeBlock(back.tally, reading(endOf(3), all(51)), start(3));
  expect([outcomesOf(after), after.lost]).toEqual([
    [
      ["proxy", { ok: 1 }],
      ["front", { ok: 1 }],
    ],
    0,
  ]);
});

test("a reading that is late by less than a block counts for the block it closes", () => {
  const tally = settled(counted("p-1", { users: { ok: 10 } }));
  const late = closeBlock(tally, reading(endOf(1, 9000), [counted("p-1", { users: { ok: 29 } })]), start(1));
  expect(outcomesOf(late)).toEqual([["proxy", { ok: 19 }]]);
  const next = closeBlock(late.tally, reading(endOf(2), [counted("p-1", { users: { ok: 30 } })]), start(2));
  expect(outcomesOf(next)).toEqual([["proxy", { ok: 1 }]]);
});

test("a reading that is late by a block or more belongs to none, and every block it covers is counted as lost", () => {
  const tally = settled(counted("p-1", { users: { ok: 10 } }));
  const late = closeBlock(tally, reading(endOf(4), [counted("p-1", { users: { ok: 500 } })]), start(1));
  expect([late.blocks, late.lost]).toEqual([[], 4]);
});

test("a successor that does not answer yet holds nothing up, and is counted from its start when it does", () => {
  const old = counted("p-1", { users: { ok: 10 } });
  const first = closeBlock(settled(old), reading(endOf(1), [old], silent("p-2")), start(1));
  expect(first.blocks).toHaveLength(1);
  const young = counted("p-2", { users: { ok: 4 }, startedAt: 2 });
  expect(outcomesOf(closeBlock(first.tally, reading(endOf(2), [old, young]), start(2)))).toEqual([
    ["proxy", { ok: 4 }],
  ]);
});

test("a process that was silent when the agent began has an unknown past, whatever it says later", () => {
  const begun = withReading(emptyTally, reading(instant(5), [], silent("p-1")), start(0));
  const closed = closeBlock(begun, reading(endOf(0), [counted("p-1", { users: { ok: 9000 } })]), start(0));
  expect([closed.blocks, closed.lost]).toEqual([[], 1]);
});

test("counts that went back are taken for a new beginning, not for requests", () => {
  const tally = settled(counted("p-1", { users: { ok: 100, failed: 5 } }));
  const less = closeBlock(tally, reading(endOf(1), [counted("p-1", { users: { ok: 120 } })]), start(1));
  expect([less.blocks, less.lost]).toEqual([[], 1]);
  const next = closeBlock(less.tally, reading(endOf(2), [counted("p-1", { users: { ok: 121 } })]), start(2));
  expect(outcomesOf(next)).toEqual([["proxy", { ok: 1 }]]);
});
