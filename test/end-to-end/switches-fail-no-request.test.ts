import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { startUsers, tellCounts } from "./support/user-load.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({ hosts: ["h1", "h2"] });
  await fleet.push("shop", "1");
  await fleet.push("shop", "2");
  expect((await fleet.deploy("shop", "1")).phase).toBe("completed");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

const switchesWanted = 30;

test("thirty slot switches fail no request", async () => {
  const users = startUsers(fleet);
  let switches = 0;
  let slowestSwitchMs = 0;
  for (let round = 0; switches < switchesWanted; round += 1) {
    const rollout = await fleet.deploy("shop", round % 2 === 0 ? "2" : "1");
    expect(rollout.phase).toBe("completed");
    for (const step of rollout.stages.flatMap(({ waves }) => waves.flatMap(({ steps }) => steps))) {
      expect(step.switchMs).toBeDefined();
      switches += 1;
      slowestSwitchMs = Math.max(slowestSwitchMs, step.switchMs ?? 0);
    }
  }
  const report = await users.stop();
  tellCounts("switches", report, { switches, "slowest switch ms": Math.round(slowestSwitchMs) });
  expect(report.failures).toEqual([]);
  expect(report.sent).toBeGreaterThan(1000);
  expect(report.ok).toBe(report.sent);
  expect(switches).toBe(switchesWanted);
});
