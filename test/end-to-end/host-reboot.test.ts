import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "./support/eventually.ts";
import { bootIdFile, rebootAskedFile } from "./support/machine-files.ts";
import { isAlive } from "./support/processes-of.ts";
import { servedOver, waysTo } from "./support/served-release.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";

/** The edge has fifteen seconds to notice that a host is drained; by this clock they pass in less than two. */
const paceTimes = 10;

let fleet: Fleet;
beforeAll(async () => {
  const agentProgram = fileURLToPath(new URL("support/agent-of-a-machine.ts", import.meta.url));
  fleet = await startFleet({ agentProgram, paceTimes, before: ({ dir }) => writeFile(bootIdFile(dir), "boot-1") });
  for (const version of ["1", "2"]) await fleet.push("shop", version);
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

/** What the machine does when its reboot command is run: everything of the host ends, and its agent starts anew. */
async function machineReboots(bootId: string): Promise<void> {
  const { name, dir } = fleet.host;
  await eventually("the host is told to reboot", () => existsSync(rebootAskedFile(dir)));
  const { pid, children } = await fleet.keeper(name).status();
  const pids = [fleet.pidOf(name), pid, ...children.flatMap((child) => (child.pid === null ? [] : [child.pid]))];
  await fleet.kill(name);
  for (const one of pids.filter(isAlive)) process.kill(one, "SIGKILL");
  await eventually("nothing of the host runs", () => !pids.some(isAlive));
  await rm(rebootAskedFile(dir));
  await writeFile(bootIdFile(dir), bootId);
  await fleet.start(name);
}

test("a host that is rebooted by a rollout comes back on what is proven and open to users, with a newer release installed", async () => {
  const { name, dir } = fleet.host;
  const ways = waysTo(fleet.host);
  // What was proven before is kept on disk, ready to run.
  for (const version of ["2", "1"]) await fleet.deploy("shop", version);

  const told = fleet.sluice("host", "reboot", name, "--reason", "kernel 6.12.9");
  await Promise.race([machineReboots("boot-2"), told.then(({ lines }) => Promise.reject(new Error(lines.join("\n"))))]);
  const { exit, lines } = await told;
  expect({ exit, lines }).toMatchObject({ exit: 0 });
  expect(lines.join("\n")).toMatch(/passed: away for (\d+m|(\d+m )?\d+s)$/m);
  expect(await servedOver(ways)).toEqual(["1", "1"]);
  const { observation, drain } = await fleet.status(name);
  expect(observation?.boot).toMatchObject({ id: "boot-2", order: { state: "begun" } });
  expect(drain).toBeUndefined();
  const site = observation?.units.find(({ unit }) => unit === "site:shop");
  expect(site?.installed).toHaveLength(2);
  expect(existsSync(rebootAskedFile(dir))).toBe(false);
});
