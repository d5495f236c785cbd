import { afterAll, beforeAll, expect, test } from "vitest";
import { entryOfAgent, writeAgentProgram } from "./support/agent-program.ts";
import { eventually } from "./support/eventually.ts";
import { servedOver, waysTo } from "./support/served-release.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({ watchdogs: true });
  await fleet.push("shop", "1");
  await fleet.deploy("shop", "1");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

async function push(version: string, before?: string): Promise<void> {
  const folder = await writeAgentProgram(fleet.dir, version, before);
  const { exit, lines } = await fleet.sluice("agent", "push", version, folder, "--entry", entryOfAgent);
  expect(exit, lines.join("\n")).toBe(0);
}

async function agentThere() {
  const { observation } = await fleet.status(fleet.host.name);
  const unit = observation?.units.find((one) => one.unit === "agent");
  return { version: unit?.running?.version, pid: unit?.running?.pid, isProven: unit?.proven === unit?.running?.digest };
}

test("an agent that can't start on a host is told of with its last words, and the one before is back by itself", async () => {
  const before = await agentThere();
  const users = startUsers(fleet);
  await push("9.0.1", 'throw new Error("libgone.so.1: cannot open shared object file");');
  const { exit, lines } = await fleet.sluice("restart", "--agents", "--to", "9.0.1");
  expect(lines.join("\n")).toContain("libgone.so.1: cannot open shared object file");
  expect(exit).toBe(6);
  const back = await eventually("the agent before is back", async () => {
    const now = await agentThere();
    return now.version === before.version && now;
  });
  expect(back.isProven).toBe(true);
  expect(back.pid).not.toBe(before.pid);
  await expectNoneFailed("agent that can't start", users, {});
});

test("an agent that proves itself stays, comes back after a crash, and goes on where the one before was", async () => {
  const watchdog = fleet.pidOf(fleet.host.name);
  const users = startUsers(fleet);
  await push("9.0.2");
  const { exit, lines } = await fleet.sluice("restart", "--agents", "--to", "9.0.2");
  expect(exit, lines.join("\n")).toBe(0);
  const now = await eventually("it is proven", async () => {
    const seen = await agentThere();
    return seen.version === "9.0.2" && seen.isProven && seen;
  });
  process.kill(now.pid ?? 0, "SIGKILL");
  await eventually("it is back after a crash", async () => {
    const { pid, version } = await agentThere();
    return version === "9.0.2" && pid !== now.pid;
  });
  expect(fleet.pidOf(fleet.host.name)).toBe(watchdog);
  await fleet.push("shop", "2");
  await fleet.deploy("shop", "2");
  expect(await servedOver(waysTo(fleet.host))).toEqual(["2", "2"]);
  await expectNoneFailed("agent that proves itself", users, { switches: 1 });
});

test("agents are started again as they are, users notice nothing, and what ran before is not what runs now", async () => {
  const before = await agentThere();
  const users = startUsers(fleet);
  const { exit, lines } = await fleet.sluice("restart", "--agents");
  expect(exit, lines.join("\n")).toBe(0);
  const now = await eventually("another process of it is proven", async () => {
    const seen = await agentThere();
    return seen.isProven && seen.pid !== before.pid && seen;
  });
  expect(now.version).toBe(before.version);
  await expectNoneFailed("agents started again", users, {});
});
