import { durationMs } from "@sluice/core/units/time";
import { expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";
import { nodeClock } from "./node-clock.ts";

const ms = durationMs;

test("sleepers of a manual clock wake in order of their hour, each at its own time", async () => {
  const clock = createManualClock();
  const start = clock.now();
  const woken: string[] = [];
  const sleeper = async (name: string, by: number) => {
    await clock.sleep(ms(by));
    woken.push(`${name}@${clock.now() - start}`);
  };
  void sleeper("b", 20);
  void sleeper("a", 10).then(() => sleeper("c", 5));
  await clock.advance(ms(19));
  expect(woken).toEqual(["a@10", "c@15"]);
  await clock.advance(ms(1));
  expect(woken).toEqual(["a@10", "c@15", "b@20"]);
  expect(clock.sleepers).toBe(0);
});

test.each([
  ["manual", createManualClock()],
  ["node", nodeClock],
])("a %s sleep ends with the reason of its signal", async (_name, clock) => {
  const stop = new AbortController();
  const sleep = clock.sleep(ms(60_000), stop.signal);
  stop.abort(new Error("woken"));
  await expect(sleep).rejects.toThrow("woken");
  await expect(clock.sleep(ms(1), stop.signal)).rejects.toThrow("woken");
});

test("a repeated task never overlaps itself and stops when disposed", async () => {
  const clock = createManualClock();
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  const repeated = clock.every(ms(10), () => {
    runs += 1;
    return runs === 1 ? gate.promise : undefined;
  });
  await clock.advance(ms(50));
  expect(runs).toBe(1);
  gate.resolve();
  await clock.advance(ms(30));
  expect(runs).toBe(4);
  await repeated[Symbol.asyncDispose]();
  await repeated.done;
  await clock.advance(ms(100));
  expect(runs).toBe(4);
});

test("the failure of a repeated task ends it and is told by done", async () => {
  const clock = createManualClock();
  const repeated = clock.every(ms(10), () => Promise.reject(new Error("broken")));
  await clock.advance(ms(10));
  await expect(repeated.done).rejects.toThrow("broken");
  expect(clock.sleepers).toBe(0);
});
