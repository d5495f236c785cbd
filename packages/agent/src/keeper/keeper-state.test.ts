import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { nodeClock } from "@sluice/runtime/clock/node-clock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Keeper } from "./keeper.ts";
import { type KeeperState, keeperState, type StateFile, StateStore } from "./keeper-state.ts";
import { stampOf } from "./process-stamp.ts";
import { nodeChild, until } from "./testing/keeper-fixture.ts";

/** A state file on a disk that can be full. */
class FakeStateFile implements StateFile {
  full = false;
  text = "";
  writes = 0;

  async replace(text: string): Promise<void> {
    this.writes += 1;
    await Promise.resolve();
    if (this.full) throw new Problem("disk-full", "no space left");
    this.text = text;
  }

  read(): KeeperState {
    return keeperState.parse(JSON.parse(this.text));
  }
}

let dir: string;
let file: FakeStateFile;
let keeper: Keeper;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "sluice-keeper-state-"));
  file = new FakeStateFile();
  keeper = new Keeper({
    build: "test",
    program: { release: "sha256:test", file: "test" },
    logsDir: join(dir, "logs"),
    clock: nodeClock,
    stateFile: file,
    log: () => undefined,
  });
  await keeper.takeCharge();
});
afterEach(async () => {
  for (const { id } of keeper.status().children) await keeper.removeChild(id, 0);
  for (const { name } of keeper.status().sockets) await keeper.closeSocket(name);
  await keeper[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const anyPort = { kind: "tcp", address: "127.0.0.1", port: 0 } as const;
const sleeper = "setInterval(() => {}, 1000)";

test("on a full disk a new socket or child is refused and undone, and nothing is started", async () => {
  file.full = true;
  await expect(keeper.ensureSocket("web", anyPort)).rejects.toMatchObject({ reason: "disk-full" });
  const started = join(dir, "started");
  const spec = nodeChild(`require("fs").writeFileSync(${JSON.stringify(started)}, "")`);
  await expect(keeper.ensureChild("a", spec)).rejects.toMatchObject({ reason: "disk-full" });
  expect(keeper.status()).toMatchObject({
    sockets: [],
    children: [],
    remarks: [expect.stringContaining("no space left")],
  });
  expect(statSync(started, { throwIfNoEntry: false })).toBeUndefined();
  file.full = false;
  await keeper.ensureSocket("web", anyPort);
  expect(keeper.status().remarks).toEqual([]);
});

test("on a full disk a crashed child is restarted all the same, and known again once there is room", async () => {
  const { pid } = await keeper.ensureChild("a", nodeChild(sleeper, { restart: "on-exit" }));
  file.full = true;
  process.kill(pid ?? 0, "SIGKILL");
  await until(() => keeper.child("a").view().restarts === 1 && keeper.child("a").running);
  file.full = false;
  await keeper.ensureSocket("web", anyPort);
  expect(file.read().children[0]?.run?.pid).toBe(keeper.child("a").view().pid);
});

test("every answer is preceded by the state it tells of", async () => {
  const socket = await keeper.ensureSocket("web", anyPort);
  const [saved] = file.read().sockets;
  expect({ name: saved?.name, ...saved?.bound }).toEqual(socket);
  const child = await keeper.ensureChild("a", nodeChild(sleeper));
  expect(file.read().children[0]).toMatchObject({ id: "a", run: { pid: child.pid, stamp: stampOf(child.pid ?? 0) } });
  await keeper.removeChild("a", 0);
  expect(file.read().children).toEqual([]);
});

test("removing a child while it is being started leaves no process behind", async () => {
  const starting = keeper.ensureChild("a", nodeChild(sleeper, { restart: "on-exit" }));
  await keeper.removeChild("a", 0);
  const { pid } = await starting;
  expect(stampOf(pid ?? 0)).toBeUndefined();
  expect(keeper.status().children).toEqual([]);
});

test("a log that has grown too large is put aside when its child is started, keeping one", async () => {
  await keeper.ensureChild("a", nodeChild("console.log('first')"));
  await until(() => !keeper.child("a").running);
  await keeper.removeChild("a", 0);
  const log = join(dir, "logs/a.log");
  writeFileSync(`${log}.1`, "older");
  truncateSync(log, 11 * 1024 * 1024);
  await keeper.ensureChild("a", nodeChild("console.log('second')"));
  await until(() => !keeper.child("a").running);
  expect(readFileSync(log, "utf8")).toBe("second\n");
  expect(statSync(`${log}.1`).size).toBe(11 * 1024 * 1024);
  expect(statSync(log).mode & 0o777).toBe(0o600);
});

test("saves that arrive during a write share the next one", async () => {
  let serial = 0;
  const busy = new FakeStateFile();
  const current = (): KeeperState => {
    serial += 1;
    return { version: 1, keeper: { pid: serial, stamp: "" }, sockets: [], children: [] };
  };
  const store = new StateStore(busy, current);
  await Promise.all(Array.from({ length: 50 }, () => store.save()));
  expect(busy.writes).toBeLessThanOrEqual(2);
  await store.save();
  expect(busy.read().keeper.pid).toBe(serial);
});

test("a stamp tells a process from none, and from another with its pid", () => {
  expect(stampOf(process.pid)).toBe(stampOf(process.pid));
  expect(stampOf(process.pid)).not.toBe(stampOf(process.ppid));
  expect(stampOf(2 ** 22 + 1)).toBeUndefined();
});
