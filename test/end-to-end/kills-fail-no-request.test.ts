import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { eventually } from "./support/eventually.ts";
import { pidsOf, runningOf, untilStep } from "./support/look-at.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

/** Of each engine. */
const agentsKilled = 6;
const coordinatorsKilled = 3;

eachEngine((engine) => {
  let fleet: Fleet;
  let rounds = 0;
  beforeAll(async () => {
    // Long enough on trial to be killed there.
    fleet = await startFleet({ engine, hosts: ["h1", "h2"], soak: "500ms" });
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

  type Moment = "activating" | "provisional";

  /** Kills a program as soon as the host's step is that far, starts it again, and answers with the state it was killed in. */
  async function killAt(id: string, host: string, moment: Moment, program: string): Promise<string> {
    const { state } = await untilStep(fleet, id, host, moment);
    await fleet.kill(program);
    await fleet.start(program);
    return state;
  }

  const count = (states: readonly string[], wanted: Moment): number =>
    states.filter((state) => state === wanted).length;

  test(`${agentsKilled} agents killed in the middle of an activation fail no request, and each activation goes on to its end`, async () => {
    const users = startUsers(fleet);
    const killed: string[] = [];
    while (killed.length < agentsKilled) {
      const { id, version } = await beginNext();
      const moment = killed.length % 4 < 2 ? "activating" : "provisional";
      killed.push(...(await Promise.all(fleet.hosts.map(({ name }) => killAt(id, name, moment, name)))));
      await expectLiveEverywhere(id, version);
    }
    const [whileActivating, onTrial] = [count(killed, "activating"), count(killed, "provisional")];
    await expectNoneFailed(`${engine}, agent kills`, users, {
      kills: killed.length,
      "while activating": whileActivating,
      "on trial": onTrial,
    });
    expect(killed).toHaveLength(agentsKilled);
    expect([whileActivating > 0, onTrial > 0]).toEqual([true, true]);
  });

  test(`${coordinatorsKilled} coordinators killed in the middle of a rollout fail no request, and each rollout goes on to its end`, async () => {
    const users = startUsers(fleet);
    const killed: string[] = [];
    while (killed.length < coordinatorsKilled) {
      const { id, version } = await beginNext();
      const moment = killed.length % 2 === 0 ? "activating" : "provisional";
      killed.push(await killAt(id, "h1", moment, "coordinator"));
      await expectLiveEverywhere(id, version);
    }
    const [whileActivating, onTrial] = [count(killed, "activating"), count(killed, "provisional")];
    await expectNoneFailed(`${engine}, coordinator kills`, users, {
      kills: killed.length,
      "while activating": whileActivating,
      "on trial": onTrial,
    });
    expect(killed).toHaveLength(coordinatorsKilled);
    expect([whileActivating > 0, onTrial > 0]).toEqual([true, true]);
  });

  test("traffic flows while every agent and the coordinator are dead, and nothing has changed when they are back", async () => {
    const before = await pidsOf(fleet);
    const programs = ["coordinator", ...fleet.hosts.map(({ name }) => name)];
    await Promise.all(programs.map((program) => fleet.kill(program)));
    const users = startUsers(fleet);
    await eventually("500 requests are answered without them", () => users.report().ok >= 500);
    const alone = users.report().ok;
    await fleet.startInOrder(programs);
    await fleet.untilConnected();
    await eventually("every unit is reported again", async () => (await pidsOf(fleet)).size === before.size);
    expect(await pidsOf(fleet)).toEqual(before);
    await expectNoneFailed(`${engine}, agents and coordinator dead`, users, { "ok without them": alone });
  });
});
