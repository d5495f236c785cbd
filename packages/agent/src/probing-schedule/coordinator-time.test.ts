import { instant, seconds } from "@sluice/core";
import { createManualClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import { CoordinatorTime } from "./coordinator-time.ts";

const hourAhead = (clock: ReturnType<typeof createManualClock>) => clock.now() + 3_600_000;

test("before the coordinator's first word its time is this host's own", () => {
  const clock = createManualClock();
  expect(new CoordinatorTime(clock).now()).toBe(clock.now());
});

test("of several words the quickest is believed, and time goes on by it", async () => {
  const clock = createManualClock();
  const time = new CoordinatorTime(clock);
  const word = (tripMs: number, wrongMs: number) => {
    const heardAt = clock.monotonic();
    time.heard({ askedAt: heardAt - tripMs, heardAt, theirs: instant(hourAhead(clock) - tripMs / 2 + wrongMs) });
  };
  await clock.advance(seconds(10));
  word(800, 350);
  word(4, 1);
  word(90, -40);
  expect(time.now()).toBe(hourAhead(clock) + 1);
  await clock.advance(seconds(60));
  expect(time.now()).toBe(hourAhead(clock) + 1);
});

test("a quick word of long ago gives way to newer ones, so that a clock that drifts or is set is followed", () => {
  const clock = createManualClock();
  const time = new CoordinatorTime(clock);
  time.heard({ askedAt: 0, heardAt: 0, theirs: instant(5) });
  for (let count = 0; count < 8; count += 1) time.heard({ askedAt: -10, heardAt: 0, theirs: instant(1000 - 5) });
  expect(time.now()).toBe(1000);
});
