import { keeperCommand } from "@sluice/agent/keeper/ensure-keeper-running";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { eventually } from "./support/eventually.ts";
import { pidsOf, stepsOf } from "./support/look-at.ts";
import { isAlive } from "./support/processes-of.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

/** Of each engine; an odd number of releases, so that the last one live is the second. */
const switchesWanted = 10;
const restartsWanted = 8;

eachEngine((engine) => {
  let fleet: Fleet;
  beforeAll(async () => {
    // A restart waits until the process before has drained its kept connections: soon, but where the machine stands still for seconds.
    fleet = await startFleet({ engine, hosts: ["h1", "h2"], drain: "20s" });
    await fleet.push("shop", "1");
    await fleet.push("shop", "2");
    await fleet.deploy("shop", "1");
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  test(`${switchesWanted} slot switches fail no request`, async () => {
    const users = startUsers(fleet);
    let switches = 0;
    let slowestSwitchMs = 0;
    for (let round = 0; switches < switchesWanted; round += 1) {
      const rollout = await fleet.deploy("shop", round % 2 === 0 ? "2" : "1");
      for (const { switchMs } of stepsOf(rollout)) {
        expect(switchMs).toBeDefined();
        switches += 1;
        slowestSwitchMs = Math.max(slowestSwitchMs, switchMs ?? 0);
      }
    }
    await expectNoneFailed(`${engine}, slot switches`, users, { switches, "slowest switch ms": slowestSwitchMs });
    expect(switches).toBe(switchesWanted);
  });

  test(`${restartsWanted} restarts of site proxies and fronts fail no request`, async () => {
    const users = startUsers(fleet);
    let restarts = 0;
    while (restarts < restartsWanted) {
      const before = await pidsOf(fleet);
      const { rolloutIds } = await fleet.client.restart({
        site: undefined,
        proxies: true,
        reason: "test",
        toEnvironment: undefined,
      });
      for (const id of rolloutIds) await fleet.untilCompleted(id);
      const after = await pidsOf(fleet);
      const changed = [...after].filter(([unit, pid]) => before.get(unit) !== pid).map(([unit]) => unit);
      expect(changed.toSorted()).toEqual(["h1 front", "h1 proxy:shop", "h2 front", "h2 proxy:shop"]);
      restarts += changed.length;
    }
    await expectNoneFailed(`${engine}, proxy restarts`, users, { restarts });
    expect(restarts).toBe(restartsWanted);
  });

  test("a keeper hands everything to its successor without a failed request, and the host can still be changed", async () => {
    const users = startUsers(fleet);
    const before = await pidsOf(fleet);
    let handovers = 0;
    for (const { name, dir } of fleet.hosts) {
      const keeper = fleet.keeper(name);
      const { pid } = await keeper.status();
      const [command, ...args] = keeperCommand();
      const successor = await keeper.handover(command, [...args, "--dir", dir]);
      expect(successor.pid).not.toBe(pid);
      await eventually("the predecessor is gone", () => !isAlive(pid));
      expect((await keeper.status()).pid).toBe(successor.pid);
      handovers += 1;
    }
    expect(await pidsOf(fleet)).toEqual(before);
    for (const version of ["1", "2"]) await fleet.deploy("shop", version);
    await expectNoneFailed(`${engine}, keeper handovers`, users, { handovers, switches: 4 });
  });
});
