import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFleetFile } from "@sluice/core";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ChildProcesses, endProcess, isRunning, readRecordedProcesses } from "./child-processes.ts";
import { devFolder } from "./dev-folder.ts";
import { chooseDevLayout } from "./dev-layout.ts";
import { devFleetFile } from "./fleet-template.ts";
import { emptyDevFolder, endAbandoned, endLeftovers, isOwned, markDevFolder } from "./leftovers.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sl-dev-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A program that stays until it is asked to go. */
const sleeper = (name: string) => ({
  name,
  args: ["-e", "setInterval(() => {}, 1000)"],
  logFile: join(dir, "logs", `${name}.log`),
});

test("the fleet file of a dev fleet is a valid one", async () => {
  const layout = await chooseDevLayout({ dir, soak: "2s", engine: "haproxy" });
  const parsed = parseFleetFile([{ file: "fleet.yaml", text: devFleetFile(layout) }]);
  expect(parsed.kind === "invalid" ? parsed.problems : []).toEqual([]);
});

test("free ports differ from each other", async () => {
  const ports = await findFreePorts(20);
  expect(new Set(ports).size).toBe(20);
});

test("a data folder that would make socket paths too long is put into a temporary folder", () => {
  expect(devFolder("/srv/app", undefined)).toBe("/srv/app/.sluice/dev");
  expect(Buffer.byteLength(devFolder(`/srv/${"long/".repeat(20)}`, undefined))).toBeLessThanOrEqual(42);
  expect(devFolder("/srv/app", "d")).toBe("/srv/app/d");
});

test("what an ended CLI left running is ended by its record, and only that", async () => {
  const processes = new ChildProcesses(dir);
  const ours = await processes.start(sleeper("agent"));
  const stranger = await new ChildProcesses(await mkdtemp(join(dir, "other-"))).start(sleeper("stranger"));
  try {
    const record = join(dir, "processes.json");
    const wrongStamp = { name: "reused", pid: stranger.pid, stamp: "another start" };
    await writeFile(record, JSON.stringify([...readRecordedProcesses(dir), wrongStamp]));
    expect(await endLeftovers(dir)).toEqual(["agent"]);
    expect([isRunning(ours), isRunning(stranger)]).toEqual([false, true]);
    expect(await endLeftovers(dir)).toEqual([]);
  } finally {
    await endProcess(ours, "SIGKILL");
    await endProcess(stranger, "SIGKILL");
  }
});

test("a program that was killed is known to have ended, and by what", async () => {
  const processes = new ChildProcesses(dir);
  const started = await processes.start(sleeper("agent"));
  expect(processes.endOf("agent")).toBeUndefined();
  await endProcess(started, "SIGKILL");
  await expect.poll(() => processes.endOf("agent")).toBe("it was ended by SIGKILL");
});

test("a folder with anything else in it is neither used nor emptied", async () => {
  await writeFile(join(dir, "thesis.txt"), "years of work");
  await expect(emptyDevFolder(dir)).rejects.toThrow("it holds something else");
  expect(await readFile(join(dir, "thesis.txt"), "utf8")).toBe("years of work");
});

test("a folder whose dev fleet still has its owner is not emptied; without it, it is", async () => {
  await markDevFolder(dir, process.pid);
  expect(isOwned(dir)).toBe(true);
  await expect(emptyDevFolder(dir)).rejects.toThrow("one runs there");
  const other = await mkdtemp(join(tmpdir(), "sl-own-"));
  const processes = new ChildProcesses(other);
  const owner = await processes.start(sleeper("owner"));
  await markDevFolder(dir, owner.pid);
  await endProcess(owner, "SIGKILL");
  expect(isOwned(dir)).toBe(false);
  await emptyDevFolder(dir);
  expect(existsSync(dir)).toBe(false);
  await rm(other, { recursive: true });
});

test("abandoned fleets are found by their prefix", async () => {
  const abandoned = join(dir, "demo-a");
  await mkdir(abandoned);
  const left = await new ChildProcesses(abandoned).start(sleeper("coordinator"));
  const owner = await new ChildProcesses(dir).start(sleeper("owner"));
  await markDevFolder(abandoned, owner.pid);
  try {
    expect(await endAbandoned(join(dir, "demo-"))).toEqual([]);
    await endProcess(owner, "SIGKILL");
    expect(await endAbandoned(join(dir, "demo-"))).toEqual(["coordinator"]);
    expect(isRunning(left)).toBe(false);
  } finally {
    await endProcess(left, "SIGKILL");
    await endProcess(owner, "SIGKILL");
  }
});
