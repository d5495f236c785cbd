import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entryOfAgent, writeAgentProgram } from "./support/agent-program.ts";
import { beforeKeepers } from "./support/before-keepers.ts";
import { eventually } from "./support/eventually.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

let fleet: Fleet;
beforeAll(async () => {
  const agentProgram = fileURLToPath(new URL("support/quick-watchdog.ts", import.meta.url));
  fleet = await startFleet({ agentProgram, watchdogs: true });
  await fleet.push("shop", "1");
  await fleet.deploy("shop", "1");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

async function agentPid(): Promise<number | undefined> {
  const { observation } = await fleet.status(fleet.host.name);
  return observation?.units.find(({ unit }) => unit === "agent")?.running?.pid;
}

const lineOf = (lines: readonly string[], words: string): string => lines.find((line) => line.includes(words)) ?? "";

test("an agent that hangs is started again, and status, event log and timeline say when and why; users notice nothing", async () => {
  const { name } = fleet.host;
  const users = startUsers(fleet);
  const hung = await agentPid();
  process.kill(hung ?? 0, "SIGSTOP");
  await eventually("another agent runs", async () => {
    const pid = await agentPid();
    return pid !== undefined && pid !== hung;
  });
  const sentence = /the agent was started again at \d{4}-\d\d-\d\dT[\d:.]+Z: it had given no sign of life for \d+ s/;
  const status = await eventually("status says so", async () => {
    const { lines } = await fleet.sluice("status");
    return lineOf(lines, "no sign of life") !== "" && lines;
  });
  expect(lineOf(status, "no sign of life")).toMatch(new RegExp(`^! ${name}: ${sentence.source}`));

  const log = (await fleet.sluice("events", "--json")).lines.map((line) => JSON.parse(line));
  const told = log.filter(({ kind }) => kind === "host.remarked");
  expect(told.at(-1)).toMatchObject({ by: name, host: name, sentence: expect.stringMatching(sentence) });

  const { lines } = await fleet.sluice("timeline", "--host", name);
  expect(lineOf(lines, "no sign of life")).toMatch(sentence);
  await expectNoneFailed("agent that hangs", users, {});
});

/** What is proven and what runs, of every unit of the host. */
async function unitsThere() {
  const { observation } = await fleet.status(fleet.host.name);
  return Object.fromEntries(
    (observation?.units ?? []).map(({ unit, running, proven }) => [unit, { running: running?.digest, proven }]),
  );
}

test("an agent that does not know keepers, on a host whose keeper is on record, fails its trial once, and everything is proven as it was", async () => {
  const restarted = await fleet.sluice("restart", "--keepers");
  expect(restarted.exit, restarted.lines.join("\n")).toBe(0);
  const before = await unitsThere();
  expect(before["keeper"]?.proven).toBeDefined();
  const users = startUsers(fleet);
  const folder = await writeAgentProgram(fleet.dir, "0.0.9", beforeKeepers);
  const pushed = await fleet.sluice("agent", "push", "0.0.9", folder, "--entry", entryOfAgent);
  expect(pushed.exit, pushed.lines.join("\n")).toBe(0);
  const { exit, lines } = await fleet.sluice("restart", "--agents", "--to", "0.0.9");
  // Once, and the first thing that it complained about.
  expect(lines.join("\n")).toMatch(/it ended with exit code 0 after .*(ledger|intent)/);
  expect(exit).toBe(6);
  await eventually("the agent before is back, and everything is proven as it was", async () => {
    const { agent, ...others } = await unitsThere();
    const { agent: agentBefore, ...othersBefore } = before;
    const isSame = JSON.stringify(others) === JSON.stringify(othersBefore);
    return isSame && agent?.running !== undefined && agent.running === agentBefore?.running;
  });
  await expectNoneFailed("agent that does not know keepers", users, {});
});
