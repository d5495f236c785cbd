import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { editedKeeperState } from "../drift/edited-keeper-state.ts";
import { ensureKeeperRunning, keeperCommand, keeperSocketOf } from "./ensure-keeper-running.ts";
import type { KeeperEvent, KeptSocket } from "./keeper-api.ts";
import { stampOf } from "./process-stamp.ts";
import {
  answerWithPid,
  isRunning,
  type KeeperFixture,
  nodeChild,
  startKeeperFixture,
  until,
} from "./testing/keeper-fixture.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let fixture: KeeperFixture;
beforeEach(async () => {
  fixture = await startKeeperFixture();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const anyPort = { kind: "tcp", address: "127.0.0.1", port: 0 } as const;
const sleeper = "setInterval(() => {}, 1000)";

async function bindWeb(): Promise<number> {
  return portOf(await fixture.keeper.ensureSocket("web", anyPort));
}

function portOf(socket: KeptSocket): number {
  if (socket.kind !== "tcp") throw new Error("not a TCP socket");
  return socket.port;
}

/** One request on a connection of its own. */
async function ask(port: number, path = "/"): Promise<string> {
  const request = get({ host: "127.0.0.1", port, path, agent: false });
  const [response] = await once(request, "response");
  return text(response);
}

async function askUnix(socketPath: string): Promise<string> {
  const request = get({ socketPath, path: "/", agent: false });
  const [response] = await once(request, "response");
  return text(response);
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** The keeper first, so that it starts nothing again. */
async function killKeeperAnd(...pids: readonly (number | null)[]): Promise<void> {
  const all = [(await fixture.keeper.status()).pid, ...pids.flatMap((pid) => (pid === null ? [] : [pid]))];
  for (const pid of all) process.kill(pid, "SIGKILL");
  await until(() => all.every((pid) => stampOf(pid) === undefined));
}

test("asking twice for a socket or a child gives the same one", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  expect(await bindWeb()).toBe(port);
  expect(portOf(await keeper.ensureSocket("web", { ...anyPort, port }))).toBe(port);
  const spec = nodeChild(sleeper);
  const children = await Promise.all([
    keeper.ensureChild("a", spec),
    keeper.ensureChild("a", spec),
    keeper.ensureChild("a", spec),
  ]);
  expect(new Set(children.map(({ pid }) => pid)).size).toBe(1);
  await expect(keeper.ensureChild("a", nodeChild("1"))).rejects.toMatchObject({ reason: "child-conflict" });
  await expect(keeper.ensureSocket("web", { kind: "unix", path: join(fixture.dir, "x") })).rejects.toMatchObject({
    reason: "socket-conflict",
  });
});

test("a connection made while a crashed child is away is queued and served by the next one", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  await keeper.ensureChild("web", nodeChild(answerWithPid, { sockets: ["web"], restart: "never" }));
  await until(() => fixture.log("web").includes("listening"));
  const first = await ask(port);
  await keeper.signalChild("web", "SIGKILL");
  expect(await keeper.waitChild("web", 10_000)).toMatchObject({
    exited: true,
    child: { lastExit: { signal: "SIGKILL" } },
  });
  const queued = await connected(port);
  queued.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await keeper.removeChild("web", 0);
  const { pid } = await keeper.ensureChild("web", nodeChild(answerWithPid, { sockets: ["web"] }));
  expect(await text(queued)).toContain(String(pid));
  expect(first).not.toBe(String(pid));
});

test("a child that restarts on exit comes back with the same command, later and later", async () => {
  const { keeper } = fixture;
  await keeper.ensureChild("flaky", nodeChild("process.exit(3)", { restart: "on-exit" }));
  await until(async () => (await keeper.child("flaky")).restarts >= 4);
  const child = await keeper.child("flaky");
  expect(child.lastExit).toMatchObject({ code: 3, signal: null, adopted: false });
  await until(async () => (await keeper.child("flaky")).retryAt !== null);
  const { retryAt, lastExit } = await keeper.child("flaky");
  if (retryAt !== null && lastExit !== null) expect(retryAt - lastExit.at).toBeGreaterThanOrEqual(400);
  await keeper.removeChild("flaky", 0);
  await expect(keeper.child("flaky")).rejects.toMatchObject({ reason: "child-unknown" });
});

test("a removed child is asked to go, killed with its whole group after the grace, and never started again", async () => {
  const { keeper } = fixture;
  const script = `process.on("SIGTERM", () => console.log("asked"));
    const child = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    console.log("grandchild " + child.pid); setInterval(() => {}, 1000);`;
  const { pid } = await keeper.ensureChild("stubborn", nodeChild(script, { restart: "on-exit" }));
  await until(() => fixture.log("stubborn").includes("grandchild"));
  const grandchild = Number(/grandchild (\d+)/.exec(fixture.log("stubborn"))?.[1]);
  await keeper.removeChild("stubborn", 300);
  expect(fixture.log("stubborn")).toContain("asked");
  expect(stampOf(pid ?? 0)).toBeUndefined();
  await until(() => stampOf(grandchild) === undefined);
  expect((await keeper.status()).children).toEqual([]);
  await keeper.removeChild("stubborn", 0);
});

test("five handovers under load lose no request, and the child never notices", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  const path = join(fixture.dir, "run/site-shop.sock");
  await keeper.ensureSocket("shop", { kind: "unix", path });
  const { pid } = await keeper.ensureChild("web", nodeChild(answerWithPid, { sockets: ["web"], restart: "on-exit" }));
  await keeper.ensureChild("shop", nodeChild(answerWithPid, { sockets: ["shop"], restart: "on-exit" }));
  await until(() => fixture.log("web").includes("listening") && fixture.log("shop").includes("listening"));
  let stopped = false;
  const failures: unknown[] = [];
  let served = 0;
  const load = Array.from({ length: 8 }, async (_, at) => {
    while (!stopped) {
      await (at % 2 === 0 ? ask(port) : askUnix(path)).then(
        () => {
          served += 1;
        },
        (error: unknown) => failures.push(error),
      );
    }
  });
  const keepers = new Set<number>([(await keeper.status()).pid]);
  for (let round = 0; round < 5; round += 1) keepers.add(await fixture.handover());
  stopped = true;
  await Promise.all(load);
  expect(failures).toEqual([]);
  expect(served).toBeGreaterThan(50);
  expect(keepers.size).toBe(6);
  expect(await ask(port)).toBe(String(pid));
  expect(await keeper.child("web")).toMatchObject({ pid, adopted: true, restarts: 0 });
});

test("after a handover an adopted child that dies is noticed and restarted on the inherited sockets", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  const path = join(fixture.dir, "run/site-shop.sock");
  await keeper.ensureSocket("shop", { kind: "unix", path });
  const spec = nodeChild(answerWithPid, { restart: "on-exit" });
  const { pid } = await keeper.ensureChild("web", { ...spec, sockets: ["web"] });
  await keeper.ensureChild("shop", { ...spec, sockets: ["shop"] });
  await until(() => fixture.log("web").includes("listening") && fixture.log("shop").includes("listening"));
  await fixture.handover();
  await fixture.handover();
  process.kill(pid ?? 0, "SIGKILL");
  expect(Number(await ask(port))).not.toBe(pid);
  const after = await keeper.child("web");
  expect(after).toMatchObject({ adopted: false, restarts: 1, lastExit: { code: null, signal: null, adopted: true } });
  await keeper.signalChild("shop", "SIGKILL");
  await until(async () => (await keeper.child("shop")).restarts === 1);
  expect(await askUnix(path)).toBe(String((await keeper.child("shop")).pid));
});

test.skipIf(process.platform !== "linux")(
  "a child is given the sockets of its order and no others, also by a successor",
  async () => {
    const { keeper } = fixture;
    await bindWeb();
    await keeper.ensureSocket("other", anyPort);
    const script = `const fs = require("fs");
    const sockets = fs.readdirSync("/proc/self/fd").filter((fd) => { try { return fs.fstatSync(Number(fd)).isSocket(); } catch { return false; } });
    console.log("sockets " + sockets.join(",") + "."); setInterval(() => {}, 1000);`;
    await keeper.ensureChild("before", nodeChild(script, { sockets: ["other"] }));
    await fixture.handover();
    await keeper.ensureChild("after", nodeChild(script, { sockets: ["other"] }));
    await until(() => [fixture.log("before"), fixture.log("after")].every((log) => log.includes("sockets")));
    expect(fixture.log("before")).toBe("sockets 3.\n");
    expect(fixture.log("after")).toBe("sockets 3.\n");
  },
);

test("a successor that does not come leaves everything as it was", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  await keeper.ensureChild("web", nodeChild(answerWithPid, { sockets: ["web"], restart: "on-exit" }));
  const { pid } = await keeper.status();
  await expect(keeper.handover(process.execPath, ["-e", "process.exit(4)"])).rejects.toMatchObject({
    reason: "spawn-failed",
  });
  await expect(keeper.handover("/nowhere/at/all", [])).rejects.toMatchObject({ reason: "spawn-failed" });
  expect((await keeper.status()).pid).toBe(pid);
  await until(async () => (await ask(port).catch(() => undefined)) !== undefined);
  const before = await ask(port);
  await keeper.signalChild("web", "SIGKILL");
  expect(await ask(port)).not.toBe(before);
  await fixture.handover();
  expect((await keeper.status()).sockets).toMatchObject([{ name: "web", port }]);
});

test("handovers asked for at once go one after another or are refused; one keeper is left", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  const results = await Promise.allSettled([fixture.handover(), fixture.handover(), fixture.handover()]);
  expect(results.some(({ status }) => status === "fulfilled")).toBe(true);
  for (const result of results)
    if (result.status === "rejected") expect(result.reason).toMatchObject({ reason: "keeper-unreachable" });
  const { pid, sockets } = await keeper.status();
  expect(sockets).toEqual([{ name: "web", kind: "tcp", address: "127.0.0.1", port }]);
  await keeper.ensureChild("a", nodeChild(sleeper));
  expect((await keeper.status()).pid).toBe(pid);
});

test("a keeper killed in the middle of a handover is succeeded all the same", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  await keeper.ensureChild("web", nodeChild(answerWithPid, { sockets: ["web"], restart: "on-exit" }));
  const { pid } = await keeper.status();
  const interrupted = fixture.handover().catch((error: unknown) => error);
  await until(async () => (await keeper.status()).pid !== pid || stampOf(pid) === undefined);
  if (stampOf(pid) !== undefined) process.kill(pid, "SIGKILL");
  await interrupted;
  const before = await ask(port);
  await keeper.signalChild("web", "SIGKILL");
  expect(await ask(port)).not.toBe(before);
  expect((await keeper.status()).sockets).toEqual([{ name: "web", kind: "tcp", address: "127.0.0.1", port }]);
});

test("a killed keeper leaves its children serving; the next one adopts them and says which sockets it lacks", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  await keeper.ensureSocket("spare", anyPort);
  const { pid } = await keeper.ensureChild("web", nodeChild(answerWithPid, { sockets: ["web"], restart: "on-exit" }));
  await until(() => fixture.log("web").includes("listening"));
  await fixture.crashAndRestart();
  expect(await ask(port)).toBe(String(pid));
  const status = await keeper.status();
  expect(status.sockets).toMatchObject([{ name: "web", port, orphaned: true, heldBy: ["web"] }, { name: "spare" }]);
  expect(status.sockets[1]).not.toHaveProperty("orphaned");
  expect(status.children).toMatchObject([{ id: "web", pid, adopted: true, phase: "running" }]);
  expect(await keeper.ensureSocket("web", { ...anyPort, port })).toMatchObject({ orphaned: true, heldBy: ["web"] });
  await expect(keeper.ensureChild("web2", nodeChild(sleeper, { sockets: ["web"] }))).rejects.toMatchObject({
    reason: "port-taken",
  });
  await keeper.removeChild("web", 1000);
  expect(await keeper.ensureSocket("web", { ...anyPort, port })).toEqual({
    name: "web",
    kind: "tcp",
    address: "127.0.0.1",
    port,
  });
});

test("an adopted child with orphaned sockets that dies is restarted on the same port", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  const { pid } = await keeper.ensureChild("web", nodeChild(answerWithPid, { sockets: ["web"], restart: "on-exit" }));
  await until(() => fixture.log("web").includes("listening"));
  await fixture.crashAndRestart();
  process.kill(pid ?? 0, "SIGKILL");
  await until(async () => isRunning(await keeper.child("web")) && (await keeper.child("web")).pid !== pid);
  await until(() => fixture.log("web").split("listening").length === 3);
  expect(Number(await ask(port))).toBe((await keeper.child("web")).pid);
  expect((await keeper.status()).sockets[0]).not.toHaveProperty("orphaned");
});

test("while one child lives on, those that died with the keeper are started again, unless they should not be", async () => {
  const { keeper } = fixture;
  const spec = nodeChild(sleeper, { restart: "on-exit" });
  const witness = await keeper.ensureChild("witness", spec);
  const on = await keeper.ensureChild("on", spec);
  const off = await keeper.ensureChild("off", nodeChild(sleeper));
  await killKeeperAnd(on.pid, off.pid);
  const { remarks } = await ensureKeeperRunning({ dir: fixture.dir });
  await until(async () => isRunning(await keeper.child("on")));
  expect(await keeper.child("off")).toMatchObject({ phase: "exited", pid: null, lastExit: { adopted: true } });
  expect(await keeper.child("witness")).toMatchObject({ pid: witness.pid, phase: "running", adopted: true });
  expect(remarks).toEqual([]);
});

test("when nothing lives on the next keeper starts and binds nothing, says so, and does as it is asked", async () => {
  const { keeper, dir } = fixture;
  const port = await bindWeb();
  const path = join(dir, "run/site-shop.sock");
  await keeper.ensureSocket("shop", { kind: "unix", path });
  const spec = nodeChild(answerWithPid, { sockets: ["web"], restart: "on-exit" });
  const { pid } = await keeper.ensureChild("web", spec);
  await until(() => fixture.log("web").includes("listening"));
  await killKeeperAnd(pid);
  const status = await ensureKeeperRunning({ dir });
  expect(status).toMatchObject({ sockets: [], children: [] });
  expect(status.remarks).toEqual([expect.stringMatching(/nothing again of: web, socket web, socket shop$/)]);
  await expect(ask(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  expect(await keeper.ensureSocket("web", { ...anyPort, port })).not.toHaveProperty("orphaned");
  await keeper.ensureSocket("shop", { kind: "unix", path });
  const again = await keeper.ensureChild("web", spec);
  await until(() => fixture.log("web").split("listening").length === 3);
  expect(await ask(port)).toBe(String(again.pid));
});

test("a hook that still runs is waited for by the next keeper, which starts none of the servers that died", async () => {
  const { keeper, dir } = fixture;
  const server = await keeper.ensureChild("server", nodeChild(sleeper, { restart: "on-exit" }));
  const hook = await keeper.ensureChild("hook", nodeChild(sleeper));
  await killKeeperAnd(server.pid);
  expect((await ensureKeeperRunning({ dir })).children).toMatchObject([{ id: "hook", pid: hook.pid, adopted: true }]);
  await keeper.removeChild("hook", 0);
});

test("children and their logs outlive whoever asked for them", async () => {
  const script = `
    import { openKeeper } from ${JSON.stringify(import.meta.resolve("./keeper-client.ts"))};
    const child = { command: process.execPath, args: ["-e", "setInterval(() => console.log('tick'), 20)"], env: {}, cwd: "/", sockets: [], restart: "never" };
    await openKeeper(${JSON.stringify(keeperSocketOf(fixture.dir))}).ensureChild("ticker", child);
    console.log("done");
    setInterval(() => {}, 1000);`;
  const agent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(agent.stdout, "data");
  agent.kill("SIGKILL");
  await once(agent, "exit");
  await until(() => existsSync(join(fixture.dir, "logs/ticker.log")));
  const size = fixture.log("ticker").length;
  await until(() => fixture.log("ticker").length > size + 50);
  expect(await fixture.keeper.child("ticker")).toMatchObject({ phase: "running" });
});

test("of many keepers started at once one stays, and the others end content", async () => {
  const [command, ...args] = keeperCommand();
  await killKeeperAnd();
  const started = Array.from({ length: 4 }, () => spawn(command, [...args, "--dir", fixture.dir], { stdio: "ignore" }));
  const codes: (number | null)[] = [];
  for (const each of started) each.once("exit", (code) => codes.push(code));
  await until(() => codes.length === 3);
  expect(codes).toEqual([0, 0, 0]);
  const stayed = await fixture.keeper.status();
  expect(started.map((each) => each.pid)).toContain(stayed.pid);
});

test("a data folder whose path is too long for a socket, and none at all, are refused as configuration", async () => {
  const [command, ...args] = keeperCommand();
  const dir = join(fixture.dir, "x".repeat(100));
  for (const wrong of [["--dir", dir], []]) {
    const [code] = await once(spawn(command, [...args, ...wrong], { stdio: "ignore" }), "exit");
    expect(code).toBe(2);
  }
  await expect(ensureKeeperRunning({ dir })).rejects.toMatchObject({ reason: "usage-invalid" });
  expect(existsSync(dir)).toBe(false);
});

test("a port or a unix path that somebody serves is refused as taken; a stale path is not", async () => {
  const { keeper, dir } = fixture;
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await expect(keeper.ensureSocket("web", { ...anyPort, port })).rejects.toMatchObject({ reason: "port-taken" });
  other.close();
  const path = join(dir, "u.sock");
  const unix = createServer().listen(path);
  await once(unix, "listening");
  await expect(keeper.ensureSocket("u", { kind: "unix", path })).rejects.toMatchObject({ reason: "port-taken" });
  unix.close();
  writeFileSync(path, "a file");
  await expect(keeper.ensureSocket("u", { kind: "unix", path })).rejects.toMatchObject({ reason: "port-taken" });
  const stale = join(dir, "stale.sock");
  const script = `require("net").createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, "SIGKILL"))`;
  await once(spawn(process.execPath, ["-e", script]), "exit");
  expect(existsSync(stale)).toBe(true);
  expect(await keeper.ensureSocket("stale", { kind: "unix", path: stale })).toMatchObject({ path: stale });
  await expect(keeper.ensureSocket("twice", { kind: "unix", path: stale })).rejects.toMatchObject({
    reason: "port-taken",
  });
  await keeper.closeSocket("stale");
  expect(existsSync(stale)).toBe(false);
});

test("one port is never kept under two names, and a closed one is free again", async () => {
  const { keeper } = fixture;
  const port = await bindWeb();
  await expect(keeper.ensureSocket("again", { ...anyPort, port })).rejects.toMatchObject({ reason: "port-taken" });
  await keeper.closeSocket("web");
  expect(portOf(await keeper.ensureSocket("again", { ...anyPort, port }))).toBe(port);
});

test("events tell of starts and ends as they happen", async () => {
  const { keeper } = fixture;
  const seen: KeeperEvent[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    for await (const event of keeper.events(stop.signal)) seen.push(event);
  })();
  await until(() => seen.length === 1);
  await keeper.ensureChild("short", nodeChild("process.exit(7)"));
  await until(() => seen.length === 3);
  stop.abort();
  await reading.catch(() => undefined);
  expect(seen).toMatchObject([
    { kind: "subscribed" },
    { kind: "child-started", id: "short" },
    { kind: "child-exited", id: "short", exit: { code: 7 }, willRestart: false },
  ]);
});

test("waiting answers at the exit, or with what is when the time is up", async () => {
  const { keeper } = fixture;
  await keeper.ensureChild("sleeper", nodeChild(sleeper));
  expect(await keeper.waitChild("sleeper", 20)).toMatchObject({ exited: false, child: { phase: "running" } });
  const waiting = keeper.waitChild("sleeper", 30_000);
  await keeper.signalChild("sleeper", "SIGTERM");
  expect(await waiting).toMatchObject({ exited: true, child: { phase: "exited", lastExit: { signal: "SIGTERM" } } });
  await expect(keeper.signalChild("sleeper", "SIGTERM")).rejects.toMatchObject({ reason: "child-conflict" });
  await expect(keeper.waitChild("nobody", 10)).rejects.toMatchObject({ reason: "child-unknown" });
});

test("garbage, huge bodies and unknown routes on the control socket are refused and do no harm", async () => {
  const { keeper, dir } = fixture;
  const garbage = connect(keeperSocketOf(dir));
  garbage.end("\u0000\u0001 what is this\r\n\r\n");
  expect(await text(garbage)).toMatch(/^HTTP\/1.1 400 /);
  const halfway = connect(keeperSocketOf(dir));
  halfway.write("PUT /children/a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
  await expect(keeper.ensureChild("big", nodeChild("x".repeat(2_000_000)))).rejects.toMatchObject({
    reason: "message-invalid",
  });
  await expect(keeper.ensureSocket("web", { ...anyPort, port: 70_000 })).rejects.toMatchObject({
    reason: "message-invalid",
  });
  await expect(keeper.ensureSocket("web", { ...anyPort, address: "nowhere" })).rejects.toMatchObject({
    reason: "usage-invalid",
  });
  await expect(keeper.ensureSocket("web", { kind: "unix", path: `/tmp/${"x".repeat(120)}` })).rejects.toMatchObject({
    reason: "usage-invalid",
  });
  expect(await keeper.status()).toMatchObject({ sockets: [], children: [] });
  halfway.destroy();
});

test("a command that can't be started is refused and not kept", async () => {
  const { keeper } = fixture;
  await expect(keeper.ensureChild("bad", { ...nodeChild(""), command: "/nowhere" })).rejects.toMatchObject({
    reason: "spawn-failed",
  });
  await expect(keeper.ensureChild("bad", { ...nodeChild(""), cwd: "/nowhere" })).rejects.toMatchObject({
    reason: "spawn-failed",
  });
  await expect(keeper.ensureChild("bad", nodeChild("", { sockets: ["none"] }))).rejects.toMatchObject({
    reason: "socket-unknown",
  });
  await expect(keeper.ensureChild("../bad", nodeChild(""))).rejects.toMatchObject({ reason: "message-invalid" });
  await expect(keeper.ensureChild("bad", { ...nodeChild(""), restrat: 1 } as never)).rejects.toThrow(/restrat/);
  expect((await keeper.status()).children).toEqual([]);
});

test("a corrupt state file is put aside and told of, and the keeper starts all the same", async () => {
  const { dir } = fixture;
  await killKeeperAnd();
  writeFileSync(join(dir, "keeper/state.json"), '{"version":1,"chil');
  const status = await ensureKeeperRunning({ dir });
  expect(status.remarks).toEqual([expect.stringContaining("state.json.corrupt-")]);
  expect(await bindWeb()).toBeGreaterThan(0);
});

test("a state file that is edited or taken away while its keeper runs is found, and written anew by it", async () => {
  const { keeper, dir } = fixture;
  await keeper.ensureChild("c", nodeChild(sleeper));
  expect(await editedKeeperState(dir, keeper)).toEqual([]);
  const file = join(dir, "keeper", "state.json");
  const text = readFileSync(file, "utf8");
  for (const spoil of [() => writeFileSync(file, text.replace('"c"', '"d"')), () => rmSync(file)]) {
    spoil();
    const [edited] = await editedKeeperState(dir, keeper);
    expect(edited).toMatchObject({ kind: "state-edited", about: "host", where: file });
    await edited?.heal?.();
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(await editedKeeperState(dir, keeper)).toEqual([]);
  }
});

test("the environment of a child is never shown, and the state file is for its owner only", async () => {
  await fixture.keeper.ensureChild("a", nodeChild(sleeper, { env: { TOKEN: "swordfish" } }));
  expect(JSON.stringify(await fixture.keeper.status())).not.toContain("swordfish");
  expect(readFileSync(join(fixture.dir, "keeper/state.json"), "utf8")).toContain("swordfish");
});
