import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { writeFlag } from "@sluice/coordinator/store/meta";
import { openStore } from "@sluice/coordinator/store/store";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "../program.ts";
import { createTestWorld } from "../testing/test-world.ts";
import { parseAddress } from "./root-verbs.ts";
import { runRoot } from "./run-root.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sl-root-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const mainFile = fileURLToPath(new URL("../sluice.mjs", import.meta.url));

/** Starts `sluice` as a process of its own; `until` resolves with the first log line of that message. */
function startSluice(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [mainFile, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  const lines: Record<string, unknown>[] = [];
  const reader = createInterface({ input: child.stderr });
  reader.on("line", (line) => lines.push(JSON.parse(line)));
  const until = async (message: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = lines.find((line) => line["msg"] === message);
      if (found !== undefined) return found;
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${JSON.stringify(lines)}`);
      await Promise.race([once(reader, "line"), once(child, "exit")]);
    }
  };
  return { child, until, ended: once(child, "exit").then(([code]) => code as number | null) };
}

test("a coordinator listens until SIGTERM, then ends with 0", { timeout: 30_000 }, async () => {
  const { child, until, ended } = startSluice(["coordinator", "run", "--data", folder, "--listen", "127.0.0.1:0"]);
  try {
    const { address } = await until("coordinator.listening");
    const world = createTestWorld();
    expect(await runCli(["rollout", "list", "--coordinator", String(address)], world)).toBe(0);
    expect(world.out()).toBe("no rollout yet\n");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a coordinator that refuses to lead ends with 7, so that a script notices", { timeout: 30_000 }, async () => {
  const store = openStore({ dataDir: folder });
  store.transact((db) => writeFlag(db, "refusal", "refusing to lead: host 'web-1' obeys fence 9"));
  store[Symbol.dispose]();
  const { child, until, ended } = startSluice(["coordinator", "run", "--data", folder, "--listen", "127.0.0.1:0"]);
  try {
    const { address } = await until("coordinator.listening");
    const world = createTestWorld();
    await runCli(["deploy", "shop", "1", "--coordinator", String(address)], world);
    expect(world.err()).toContain("refusing to lead: host 'web-1' obeys fence 9");
    child.kill("SIGTERM");
    expect(await ended).toBe(7);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a coordinator whose port is taken ends with 1, and its log says so", { timeout: 30_000 }, async () => {
  const first = startSluice(["coordinator", "run", "--data", join(folder, "a"), "--listen", "127.0.0.1:0"]);
  try {
    const { address } = await first.until("coordinator.listening");
    const second = startSluice(["coordinator", "run", "--data", join(folder, "b"), "--listen", String(address)]);
    const failed = await second.until("coordinator.failed");
    expect(JSON.stringify(failed)).toContain(`cannot listen on ${address}`);
    expect(await second.ended).toBe(1);
  } finally {
    first.child.kill("SIGTERM");
    await first.ended;
  }
});

test("a coordinator with a paced clock says so, and speaks of that time", { timeout: 30_000 }, async () => {
  const since = new Date(Date.now() - 60_000).toISOString();
  const { child, until, ended } = startSluice(["coordinator", "run", "--data", folder, "--listen", "127.0.0.1:0"], {
    SLUICE_CLOCK_PACE: `100@${since}`,
  });
  try {
    expect(await until("clock.paced")).toMatchObject({ times: 100, since });
    const { address } = await until("coordinator.listening");
    const world = createTestWorld();
    expect(await runCli(["events", "--json", "--coordinator", String(address)], world)).toBe(0);
    const [started] = world.out().split("\n");
    // A minute has passed since, so a hundred of them by this clock.
    expect(JSON.parse(started ?? "").atMs).toBeGreaterThanOrEqual(Date.parse(since) + 100 * 60_000);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  } finally {
    child.kill("SIGKILL");
  }
});

test("an address to listen on that is none ends with 2", async () => {
  const world = createTestWorld({ cwd: folder });
  expect(await runCli(["coordinator", "run", "--data", ".", "--listen", "7420"], world)).toBe(2);
  expect(world.err()).toBe(
    "error: cannot listen on '7420': --listen wants HOST:PORT\n  hint: for example --listen 127.0.0.1:7420\n",
  );
});

test.each([
  ["agent", "run", "--help"],
  ["coordinator", "run", "--help"],
  ["agent"],
  ["agent", "rum"],
  ["agent", "run"],
])("started without the verbs of operators, sluice says the same: %j", async (...args) => {
  const [whole, alone] = [createTestWorld(), createTestWorld()];
  const exits = [await runCli(args, whole), await runRoot(args, alone)];
  expect([exits[1], alone.out(), alone.err()]).toEqual([exits[0], whole.out(), whole.err()]);
});

test("addresses are host:port, with brackets around IPv6", () => {
  expect(parseAddress("127.0.0.1:0", "--listen")).toEqual({ host: "127.0.0.1", port: 0 });
  expect(parseAddress("[::1]:7420", "--listen")).toEqual({ host: "::1", port: 7420 });
});
