import { blockMs, durationMs, instant, seconds, type TrafficBlock } from "@sluice/core";
import { createManualClock } from "@sluice/runtime";
import { expect, onTestFinished, test } from "vitest";
import type { CountsReading } from "../drivers.ts";
import { startCounting } from "./start-counting.ts";

const aligned = instant(1_767_600_000_000);

/** A host with one proxy that answers one request every 100 ms. */
function startHost(clock = createManualClock(aligned)) {
  const begunAt = clock.now();
  const host = { fails: false, drains: false, isThere: true, setBackMs: 0 };
  const [blocks, failures]: [TrafficBlock[], unknown[]] = [[], []];
  const lost: number[] = [];
  let readings = 0;
  const now = () => instant(clock.now() - host.setBackMs);
  const counts = async (): Promise<CountsReading> => {
    readings += 1;
    if (host.fails) throw new Error("the keeper is away");
    const none = { outcomes: {}, sumMs: 0, latency: [] };
    const users = { ...none, outcomes: { ok: Math.floor((clock.now() - begunAt) / 100) } };
    const bindings = [{ name: "a.example", bindingPort: 80, users, probes: none }];
    const said = { startedAt: 1, latencyBoundsMs: [], bindings, refused: { malformed: 0, unknownHost: 0 } };
    return { at: now(), counted: host.isThere ? [{ unit: "proxy:shop", childId: "p", counts: said }] : [], silent: [] };
  };
  const counting = startCounting({
    proxies: { counts },
    clock: { ...clock, now },
    isDraining: () => host.drains,
    onClosed: (closed, more) => {
      blocks.push(...closed);
      lost.push(more);
    },
    onFailure: (error) => failures.push(error),
  });
  onTestFinished(() => counting[Symbol.asyncDispose]());
  const told = () => blocks.map(({ startsAt, outcomes }) => [(startsAt - aligned) / blockMs, outcomes.ok]);
  return { clock, host, lost, failures, told, readings: () => readings };
}

test("blocks begin at multiples of ten seconds by the host's clock, and each is told once", async () => {
  const clock = createManualClock(instant(aligned + 7300));
  const { told } = startHost(clock);
  await clock.advance(seconds(33));
  expect(told()).toEqual([
    [0, 27],
    [1, 100],
    [2, 100],
    [3, 100],
  ]);
});

test("a host at rest is read once in a block, one with a process that drains every second", async () => {
  const { clock, host, readings } = startHost();
  await clock.advance(seconds(20));
  expect(readings()).toBe(3);
  host.drains = true;
  await clock.advance(seconds(10));
  expect(readings()).toBe(13);
});

test("a process that ends while it drains is counted until a second before", async () => {
  const { clock, host, told } = startHost();
  await clock.advance(seconds(10));
  host.drains = true;
  await clock.advance(durationMs(4500));
  host.isThere = false;
  await clock.advance(durationMs(5500));
  expect(told()).toEqual([
    [0, 100],
    [1, 40],
  ]);
});

test("a reading that fails is tried again, and the block is whole when that works in time", async () => {
  const { clock, host, told, failures, lost } = startHost();
  await clock.advance(durationMs(9500));
  host.fails = true;
  await clock.advance(seconds(3));
  host.fails = false;
  await clock.advance(seconds(18));
  expect(failures).toHaveLength(3);
  expect(told()).toEqual([
    [0, 130],
    [1, 70],
    [2, 100],
  ]);
  expect(lost).toEqual([0, 0, 0]);
});

test("a host that could not be read for long, or slept, tells no block of that time and says how many are missing", async () => {
  const { clock, host, told, lost } = startHost();
  await clock.advance(durationMs(9500));
  host.fails = true;
  await clock.advance(seconds(60));
  host.fails = false;
  await clock.advance(seconds(21));
  expect(told().map(([block]) => block)).toEqual([7, 8]);
  expect(lost.reduce((sum, one) => sum + one, 0)).toBe(7);
});

test("a clock that is set back begins anew instead of waiting for the time to come again", async () => {
  const { clock, host, told } = startHost();
  await clock.advance(seconds(11));
  host.setBackMs = 3_600_000;
  await clock.advance(seconds(30));
  expect(
    told()
      .slice(1)
      .map(([block]) => block),
  ).toEqual([-358, -357]);
});
