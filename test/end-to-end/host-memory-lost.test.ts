import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { pidsOf } from "./support/look-at.ts";
import { servedOver, untilServed, waysTo } from "./support/served-release.ts";
import { mountSmallDisk } from "./support/small-disk.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

let fleet: Fleet;
let host: string;
beforeAll(async () => {
  fleet = await startFleet();
  host = fleet.host.name;
  for (const version of ["1", "2"]) await fleet.push("shop", version);
  await fleet.deploy("shop", "1");
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

const ways = () => waysTo(fleet.host);
const memoryFile = (name: string): string => join(fleet.host.dir, "agent", name);

async function remarks(): Promise<string> {
  return (await fleet.status(host)).observation?.remarks.join("\n") ?? "";
}

/** The release that is not served now. */
async function otherRelease(): Promise<string> {
  const [served] = await servedOver(ways());
  return served === "1" ? "2" : "1";
}

test.each([
  ["ledger", ["ledger.json"]],
  ["intent", ["intent.json"]],
  ["ledger and intent", ["ledger.json", "intent.json"]],
])(
  "an agent that finds its %s damaged says so, touches nothing that runs, and obeys the coordinator anew",
  async (what, names) => {
    const before = await pidsOf(fleet);
    const users = startUsers(fleet);
    await fleet.kill(host);
    for (const name of names) await writeFile(memoryFile(name), '{"version":1,"memory":{"maxFe');
    await fleet.start(host);
    for (const name of names) {
      await eventually(`${name} is reported`, async () => (await remarks()).includes(memoryFile(name)));
    }
    await eventually("every unit is reported", async () => (await pidsOf(fleet)).size === before.size);
    expect(await pidsOf(fleet)).toEqual(before);
    const other = await otherRelease();
    await fleet.deploy("shop", other);
    expect(await servedOver(ways())).toEqual([other, other]);
    await expectNoneFailed(`damaged ${what}`, users, { "agent kills": 1, switches: 1 });
  },
);

test("an agent that finds its ledger and intent gone touches nothing that runs, and obeys the coordinator anew", async () => {
  const before = await pidsOf(fleet);
  const users = startUsers(fleet);
  await fleet.kill(host);
  for (const name of ["ledger.json", "intent.json"]) await rm(memoryFile(name));
  await fleet.start(host);
  await eventually("every unit is reported", async () => (await pidsOf(fleet)).size === before.size);
  expect(await pidsOf(fleet)).toEqual(before);
  const other = await otherRelease();
  await fleet.deploy("shop", other);
  expect(await servedOver(ways())).toEqual([other, other]);
  await expectNoneFailed("ledger and intent gone", users, { "agent kills": 1, switches: 1 });
});

test("an agent whose disk is full obeys nothing new, says so, keeps serving, and goes on when there is room", async (context) => {
  await fleet.kill(host);
  const disk = await mountSmallDisk(join(fleet.host.dir, "agent"));
  if ("why" in disk) {
    await fleet.start(host);
    return context.skip(disk.why);
  }
  const other = await otherRelease();
  const [now] = await servedOver(ways());
  try {
    await fleet.start(host);
    await fleet.untilConnected();
    const users = startUsers(fleet);
    await disk.fill();
    const id = await fleet.beginDeploy("shop", other);
    await eventually("the full disk is reported", async () => (await remarks()).includes("no space left"));
    await eventually("300 users are served meanwhile", () => users.report().ok >= 300);
    expect(await servedOver(ways())).toEqual([now, now]);
    await disk.clear();
    await fleet.untilCompleted(id);
    await untilServed(ways(), other);
    await expectNoneFailed("full disk", users, { switches: 1 });
  } finally {
    await fleet.kill(host);
    await disk[Symbol.asyncDispose]();
  }
});
