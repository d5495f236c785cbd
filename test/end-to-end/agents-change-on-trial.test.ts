import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entryOfAgent, writeAgentProgram } from "./support/agent-program.ts";
import { eventually } from "./support/eventually.ts";
import { servedOver, waysTo } from "./support/served-release.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";
import { writeWholeInstallation } from "./support/whole-installation.ts";

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

const agentThere = () => thereOf("agent");

async function thereOf(program: "agent" | "keeper") {
  const { observation } = await fleet.status(fleet.host.name);
  const unit = observation?.units.find((one) => one.unit === program);
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

test("a keeper that can't start leaves the one before in charge; one that proves itself takes over every process, and comes back itself", async () => {
  const keeper = fleet.keeper(fleet.host.name);
  const keeperThere = () => thereOf("keeper");
  const childrenThere = async () => (await keeper.status()).children.map(({ id, pid }) => `${id} ${pid}`).sort();
  const [before, children] = [await keeperThere(), await childrenThere()];
  /** Front, proxy and live slot; a slot that drains from before may go. */
  const expectNoneRenewed = async () => {
    const now = await childrenThere();
    expect(now.length).toBeGreaterThanOrEqual(3);
    expect(children).toEqual(expect.arrayContaining(now));
  };
  // The agent is another version by now, and has brought no keeper with it.
  expect(before.version).not.toBe((await agentThere()).version);
  const users = startUsers(fleet);
  await push("9.0.3", 'throw new Error("libgone.so.1: cannot open shared object file");');
  const failed = await fleet.sluice("restart", "--keepers", "--to", "9.0.3");
  expect(failed.lines.join("\n")).toContain("libgone.so.1: cannot open shared object file");
  expect(failed.exit).toBe(6);
  expect(await keeperThere()).toMatchObject({ version: before.version, pid: before.pid });
  const { exit, lines } = await fleet.sluice("restart", "--keepers", "--to", "9.0.2");
  expect(exit, lines.join("\n")).toBe(0);
  const now = await eventually("it is proven", async () => {
    const seen = await keeperThere();
    return seen.version === "9.0.2" && seen.isProven && seen;
  });
  await expectNoneRenewed();
  process.kill(now.pid ?? 0, "SIGKILL");
  await eventually("it is back, and no other", async () => {
    const { pid, version } = await keeperThere();
    return version === "9.0.2" && pid !== now.pid;
  });
  await expectNoneRenewed();
  await expectNoneFailed("keeper that proves itself", users, { handovers: 1 });
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

test("a whole installation, with its dependencies and links, becomes agent and keeper of its host, and runs from what was unpacked there", async () => {
  const version = "9.1.0";
  const pushed = await fleet.sluice("agent", "push", version, await writeWholeInstallation(fleet.dir, version));
  expect(pushed.exit, pushed.lines.join("\n")).toBe(0);
  const users = startUsers(fleet);
  for (const program of ["agent", "keeper"] as const) {
    const { exit, lines } = await fleet.sluice("restart", `--${program}s`, "--to", version);
    expect(exit, lines.join("\n")).toBe(0);
    const { pid } = await eventually(`its ${program} is proven`, async () => {
      const seen = await thereOf(program);
      return seen.version === version && seen.isProven && seen;
    });
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    expect(command).toContain(join(fleet.host.dir, "releases"));
    expect(command).toContain("packages/cli/src/sluice.mjs");
  }
  await fleet.push("shop", "3");
  await fleet.deploy("shop", "3");
  expect(await servedOver(waysTo(fleet.host))).toEqual(["3", "3"]);
  await expectNoneFailed("whole installation", users, { switches: 1, handovers: 1 });
});
