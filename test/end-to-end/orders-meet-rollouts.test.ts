import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { runningOf } from "./support/look-at.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

const freeze = {
  ...{ name: "audit", reason: "the auditors are in", owner: "test", zone: "UTC" },
  ...{ environments: [], sites: [], fromMs: undefined, toMs: Date.now() + 3_600_000 },
};

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({ hosts: ["h1", "h2"], waves: "1, 100%" });
  for (const version of ["1", "2", "3"]) await fleet.push("shop", version);
  await fleet.deploy("shop", "1");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

async function versions(): Promise<readonly (string | undefined)[]> {
  const running = fleet.hosts.map(({ name }) => runningOf(fleet, name, "site:shop"));
  return (await Promise.all(running)).map((one) => one?.version);
}

async function said(exit: number, ...args: readonly string[]): Promise<string> {
  const result = await fleet.sluice(...args);
  const lines = result.lines.join("\n");
  expect({ exit: result.exit, lines: result.exit === exit ? "" : lines }, args.join(" ")).toEqual({ exit, lines: "" });
  return lines;
}

/** From now on each wave is observed for at least so long. */
async function soakFor(soak: string): Promise<void> {
  const files = [{ name: "fleet.yaml", text: fleet.text({ soak }) }];
  const { problems } = await fleet.client.apply({ files, reason: "test", overrides: [] });
  expect(problems).toEqual([]);
}

test("a freeze that comes while a rollout runs lets its wave end, keeps the next one back with the reason, and lets it go on afterwards", async () => {
  const users = startUsers(fleet);
  // The freeze has to be there before the second wave.
  await soakFor("2s");
  const id = await fleet.beginDeploy("shop", "2");
  await fleet.client.addFreeze(freeze);
  const refused = await eventually("the second wave is kept back", async () => {
    const { phase, statusLine } = await fleet.client.getRollout(id);
    return phase === "waiting-for-gates" && statusLine.includes("frozen") && statusLine;
  });
  expect(refused).toMatch(/wave 2 of 2 in production; production is frozen by 'audit' .*: the auditors are in/);
  expect(await versions()).toEqual(["2", "1"]);
  await soakFor("10ms");
  await said(0, "freeze", "remove", "audit", "--reason", "they have left");
  await fleet.untilCompleted(id);
  expect(await versions()).toEqual(["2", "2"]);
  await expectNoneFailed("a freeze", users, { switches: 2 });
});

test("a second rollout of a site that is being changed is refused with the one that changes it, and neither is harmed", async () => {
  const users = startUsers(fleet);
  const id = await fleet.beginDeploy("shop", "3");
  const refusal = await said(1, "deploy", "shop", "1");
  expect(refusal).toContain(`in the hands of rollout ${id} (shop 3)`);
  expect(refusal).toContain(`sluice rollout abort ${id}`);
  await fleet.untilCompleted(id);
  expect(await versions()).toEqual(["3", "3"]);
  await expectNoneFailed("a second rollout", users, { switches: 2 });
});

test("a completed rollout can be reverted, and its revert reverted again, and none of it fails a request", async () => {
  const users = startUsers(fleet);
  const [newest] = await fleet.client.listRollouts({ activeOnly: false, site: undefined, limit: 1 });
  let id = newest?.id ?? "none";
  for (const version of ["2", "3", "2"]) {
    const { newRolloutId } = await fleet.client.commandRollout({ id, verb: "revert", reason: "test", role: undefined });
    id = newRolloutId ?? "none";
    await fleet.untilCompleted(id);
    expect(await versions()).toEqual([version, version]);
  }
  expect(await said(0, "rollout", "show", id)).toContain("revert of revert of revert of shop 3");
  await expectNoneFailed("reverts of reverts", users, { switches: 6 });
});
