import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { pidsOf, runningOf, untilStep } from "./support/look-at.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

let fleet: Fleet;
let rounds = 0;
beforeAll(async () => {
  fleet = await startFleet({ hosts: ["h1", "h2"] });
  await fleet.push("shop", "1");
  await fleet.push("shop", "2");
  await fleet.deploy("shop", "1");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

/** Begins the next release, which is the other one, and answers with what it is. */
async function beginNext(): Promise<{ readonly id: string; readonly version: string }> {
  rounds += 1;
  const version = rounds % 2 === 1 ? "2" : "1";
  return { id: await fleet.beginDeploy("shop", version), version };
}

async function expectLiveEverywhere(id: string, version: string): Promise<void> {
  await fleet.untilCompleted(id);
  for (const { name } of fleet.hosts) expect((await runningOf(fleet, name, "site:shop"))?.version).toBe(version);
}

async function killAgentAt(id: string, host: string, moment: "activating" | "provisional"): Promise<void> {
  await untilStep(fleet, id, host, moment);
  await fleet.kill(host);
  await fleet.start(host);
}

test("10 agents killed in the middle of an activation fail no request, and each activation goes on to its end", async () => {
  const users = startUsers(fleet);
  let kills = 0;
  while (kills < 10) {
    const { id, version } = await beginNext();
    const moment = kills % 4 < 2 ? "activating" : "provisional";
    await Promise.all(fleet.hosts.map(({ name }) => killAgentAt(id, name, moment)));
    kills += fleet.hosts.length;
    await expectLiveEverywhere(id, version);
  }
  await expectNoneFailed("agent kills", users, { kills });
  expect(kills).toBe(10);
});

test("5 coordinators killed in the middle of a rollout fail no request, and each rollout goes on to its end", async () => {
  const users = startUsers(fleet);
  let kills = 0;
  while (kills < 5) {
    const { id, version } = await beginNext();
    await untilStep(fleet, id, "h1", kills % 2 === 0 ? "activating" : "provisional");
    await fleet.kill("coordinator");
    await fleet.start("coordinator");
    kills += 1;
    await expectLiveEverywhere(id, version);
  }
  await expectNoneFailed("coordinator kills", users, { kills });
  expect(kills).toBe(5);
});

test("traffic flows while every agent and the coordinator are dead, and nothing has changed when they are back", async () => {
  const before = await pidsOf(fleet);
  const programs = ["coordinator", ...fleet.hosts.map(({ name }) => name)];
  await Promise.all(programs.map((program) => fleet.kill(program)));
  const users = startUsers(fleet);
  await eventually("500 requests are answered without them", () => users.report().ok >= 500);
  const alone = users.report().ok;
  await Promise.all(programs.map((program) => fleet.start(program)));
  await fleet.untilConnected();
  await eventually("every unit is reported again", async () => (await pidsOf(fleet)).size === before.size);
  expect(await pidsOf(fleet)).toEqual(before);
  await expectNoneFailed("agents and coordinator dead", users, { "ok without them": alone });
});
