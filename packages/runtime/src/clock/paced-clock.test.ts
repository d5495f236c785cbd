import { durationMs, instant } from "@sluice/core/units/time";
import { expect, test } from "vitest";
import { createManualClock } from "./manual-clock.ts";
import { paceText, readPace } from "./pace-variable.ts";
import { createPacedClock } from "./paced-clock.ts";

const start = instant(Date.UTC(2026, 5, 1, 9));

test("a clock of pace 10 shows ten seconds for one, counted from the moment of the pace", async () => {
  const real = createManualClock(start);
  const paced = createPacedClock(real, { times: 10, since: instant(start - 1000) });
  const from = paced.monotonic();
  expect(paced.now()).toBe(start + 9000);
  await real.advance(durationMs(1000));
  expect(paced.now()).toBe(start + 19_000);
  expect(paced.monotonic() - from).toBe(10_000);
});

test("programs of one pace agree on the time whenever they were started", async () => {
  const real = createManualClock(start);
  const pace = { times: 7, since: start };
  const first = createPacedClock(real, pace);
  await real.advance(durationMs(12_345));
  expect(createPacedClock(real, pace).now()).toBe(first.now());
});

test("what sleeps or repeats by a clock of pace 10 is done in a tenth of the time", async () => {
  const real = createManualClock(start);
  const paced = createPacedClock(real, { times: 10, since: start });
  let woken = 0;
  let runs = 0;
  void paced.sleep(durationMs(500)).then(() => {
    woken = real.now();
  });
  await using _repeated = paced.every(durationMs(100), () => {
    runs += 1;
  });
  await real.advance(durationMs(60));
  expect(woken - start).toBe(50);
  expect(runs).toBe(6);
});

test("a paced sleep ends with the reason of its signal", async () => {
  const paced = createPacedClock(createManualClock(start), { times: 10, since: start });
  const stop = new AbortController();
  const sleep = paced.sleep(durationMs(60_000), stop.signal);
  stop.abort(new Error("woken"));
  await expect(sleep).rejects.toThrow("woken");
});

test("the pace is what the environment says, and none when it says nothing", () => {
  const pace = { times: 2.5, since: start };
  expect(paceText(pace)).toBe("2.5@2026-06-01T09:00:00.000Z");
  expect(readPace({ SLUICE_CLOCK_PACE: paceText(pace) })).toEqual(pace);
  expect(readPace({})).toBeUndefined();
  expect(readPace({ SLUICE_CLOCK_PACE: "" })).toBeUndefined();
});

test.each([
  "10",
  "fast",
  "0.5@2026-06-01T09:00:00.000Z",
  "101@2026-06-01T09:00:00.000Z",
  "10@yesterday",
  "10@2026-13-01T09:00:00Z",
])("'%s' is no pace, and the refusal says what would be one", (text) => {
  expect(() => readPace({ SLUICE_CLOCK_PACE: text })).toThrow(
    `cannot set the pace of the clock to '${text}': SLUICE_CLOCK_PACE wants TIMES@MOMENT`,
  );
});
