import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
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
