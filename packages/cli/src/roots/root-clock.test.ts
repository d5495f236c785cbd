import { nodeClock } from "@sluice/runtime";
import { expect, test } from "vitest";
import { rootClock } from "./root-clock.ts";

const paced = { SLUICE_CLOCK_PACE: "10@2026-06-01T09:00:00.000Z" };

function clockWith(env: Readonly<Record<string, string>>, coordinatorHost = "127.0.0.1") {
  const warnings: unknown[] = [];
  return {
    warnings,
    clock: rootClock({ env, coordinatorHost, log: { warn: (...said: unknown[]) => warnings.push(said) } }),
  };
}

test("the clock is the machine's own unless the environment asks for another pace", () => {
  const { clock, warnings } = clockWith({});
  expect(clock).toBe(nodeClock);
  expect(warnings).toEqual([]);
});

test("a paced clock is said in the log", () => {
  const { clock, warnings } = clockWith(paced);
  expect(clock).not.toBe(nodeClock);
  expect(warnings).toEqual([[{ times: 10, since: "2026-06-01T09:00:00.000Z" }, "clock.paced"]]);
});

test("a fleet that reaches beyond this machine is never paced", () => {
  expect(() => clockWith(paced, "10.0.0.2")).toThrow(
    "cannot go 10 times as fast with a coordinator on '10.0.0.2': SLUICE_CLOCK_PACE is for fleets on loopback only",
  );
  expect(clockWith({}, "10.0.0.2").clock).toBe(nodeClock);
});
