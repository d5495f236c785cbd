import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import type { Way } from "./support/fresh-requests.ts";
import { untilStep } from "./support/look-at.ts";
import { isAlive } from "./support/processes-of.ts";
import { servedOver, untilServed, waysTo } from "./support/served-release.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

let fleet: Fleet;
let ways: readonly Way[];
let host: string;
beforeAll(async () => {
  const agentProgram = fileURLToPath(new URL("support/agent-with-moving-clock.ts", import.meta.url));
  fleet = await startFleet({ agentProgram });
  for (const version of ["1", "2", "3"]) await fleet.push("shop", version);
  await fleet.deploy("shop", "1");
  ways = waysTo(fleet.host);
  host = fleet.host.name;
  await soakFor("1m");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());
beforeEach(() => fleet.untilConnected());

/** From now on an activation stays on trial for so long. */
async function soakFor(soak: string): Promise<void> {
  const files = [{ name: "fleet.yaml", text: fleet.text({ soak }) }];
  const applied = await fleet.client.apply({ files, reason: "test", overrides: [] });
  expect(applied.problems).toEqual([]);
}

/** Deploys a release that then is live on the host and not confirmed. */
async function tryRelease(version: string): Promise<string> {
  const id = await fleet.beginDeploy("shop", version);
  await untilStep(fleet, id, host, "provisional");
  await untilServed(ways, version);
  return id;
}

const local = (...args: readonly string[]) => fleet.sluice("local", ...args, "--data", fleet.host.dir);

async function localUnit(unit: string) {
  const { exit, lines } = await local("status", "--json");
  expect(exit).toBe(0);
  const { observation } = JSON.parse(lines.join("\n"));
  return { observation, unit: observation.units.find((one: { unit: string }) => one.unit === unit) };
}

test("an activation that nobody confirms in time is undone by the host itself, without a failed request", async () => {
  const id = await tryRelease("2");
  await fleet.kill("coordinator");
  const users = startUsers(fleet);
  await eventually("300 users are served meanwhile", () => users.report().ok >= 300);
  expect(await servedOver(ways)).toEqual(["2", "2"]);
  process.kill(fleet.pidOf(host), "SIGUSR2");
  await untilServed(ways, "1");
  const { observation, unit } = await localUnit("site:shop");
  expect(unit.running.version).toBe("1");
  expect(unit.running.digest).toBe(unit.proven);
  expect(observation.grants).toMatchObject([{ progress: { kind: "unconfirmed" } }]);
  await expectNoneFailed("unconfirmed activation", users, { switches: 2 });

  // Its clock is right again.
  await fleet.kill(host);
  await fleet.startInOrder(["coordinator", host]);
  expect((await fleet.untilEnded(id)).phase).toBe("reverted");
  expect(await servedOver(ways)).toEqual(["1", "1"]);
});

test("on a host without its coordinator, a person can switch to the other release and back, without a failed request", async () => {
  const id = await tryRelease("2");
  await fleet.client.commandRollout({ id, verb: "promote", reason: "test", role: undefined });
  await fleet.untilCompleted(id);
  await fleet.kill("coordinator");
  const users = startUsers(fleet);
  const switched = await local("switch", "shop", "--reason", "2 loses orders");
  expect(switched).toMatchObject({ exit: 0 });
  expect(switched.lines.join("\n")).toContain("2 loses orders");
  expect(await servedOver(ways)).toEqual(["1", "1"]);
  await fleet.start("coordinator");
  const drifted = await eventually("the coordinator shows the drift", async () => {
    const { units } = await fleet.status(host);
    return units.find(({ unit, condition }) => unit === "site:shop" && condition === "drifted");
  });
  expect(drifted).toMatchObject({ running: "1", proven: "2" });
  expect(await servedOver(ways)).toEqual(["1", "1"]);
  expect(await local("revert", "site:shop", "--reason", "found the orders")).toMatchObject({ exit: 0 });
  await untilServed(ways, "2");
  const told = await eventually("the timeline has the end of the drift", async () => {
    const { lines } = await fleet.sluice("timeline", "--host", host);
    return lines.some((line) => line.includes("unit.settled")) && lines.filter((line) => line.includes("unit."));
  });
  expect(told).toEqual([
    expect.stringMatching(/unit\.drifted \[h1\] {2}site shop runs 1, which nobody granted: .*: 2 loses orders, by h1$/),
    expect.stringMatching(/unit\.settled \[h1\] {2}site shop runs 2, as it should, by h1$/),
  ]);
  await expectNoneFailed("break-glass switch and revert", users, { switches: 2 });
});

test("a rebooted host brings back its proven release, although a newer one was live on trial, and without a coordinator", async () => {
  const id = await tryRelease("3");
  const { pid: keeperPid, children } = await fleet.keeper(host).status();
  await fleet.kill("coordinator");
  const pids = [keeperPid, ...children.flatMap(({ pid }) => (pid === null ? [] : [pid]))];
  expect(pids.length).toBeGreaterThanOrEqual(5);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await fleet.kill(host);
  await eventually("nothing of the host runs", () => !pids.some(isAlive));
  const downAt = performance.now();
  await fleet.start(host);
  await untilServed(ways, "2");
  const backMs = Math.round(performance.now() - downAt);
  const users = startUsers(fleet);
  await eventually("300 users are served", () => users.report().ok >= 300);
  expect(await servedOver(ways)).toEqual(["2", "2"]);
  const { unit } = await localUnit("site:shop");
  expect(unit.running.version).toBe("2");
  expect(unit.installed).toHaveLength(3);

  // A fresh agent, which has not learned yet to ask the coordinator less and less often.
  await fleet.kill(host);
  await fleet.startInOrder(["coordinator", host]);
  expect((await fleet.untilEnded(id)).phase).toBe("reverted");
  expect(await servedOver(ways)).toEqual(["2", "2"]);
  await expectNoneFailed("rebooted host", users, {
    "processes killed": pids.length + 1,
    "ms until served": backMs,
  });
});
