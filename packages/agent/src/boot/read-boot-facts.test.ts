import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { instant } from "@sluice/core";
import { expect, onTestFinished, test } from "vitest";
import type { KeeperStatus, KeptChild } from "../keeper/keeper-api.ts";
import { readBootFacts } from "./read-boot-facts.ts";

const keeperPid = 11;

const child = (unusual: Partial<KeptChild>): KeptChild => ({
  id: "proxy-shop-1",
  phase: "running",
  pid: 12,
  startedAt: instant(1),
  retryAt: null,
  adopted: false,
  restarts: 0,
  lastExit: null,
  command: "/usr/sbin/haproxy",
  args: [],
  cwd: "/",
  sockets: [],
  restart: "on-exit",
  ...unusual,
});

const keeperWith = (children: readonly KeptChild[], program?: KeeperStatus["program"]) => ({
  status: async (): Promise<KeeperStatus> => ({
    build: "1",
    ...(program === undefined ? {} : { program }),
    pid: keeperPid,
    startedAt: instant(Date.now() + 60_000),
    sockets: [],
    children: [...children],
    remarks: [],
  }),
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "boot-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** A system that says what the test says: which program each process was started from. */
async function systemWith(programs: Readonly<Record<number, string>>): Promise<string> {
  const root = await folder();
  for (const [pid, program] of Object.entries({ [process.pid]: "/bin/node", [keeperPid]: "/bin/node", ...programs })) {
    await mkdir(join(root, "proc", pid), { recursive: true });
    await symlink(program, join(root, "proc", pid, "exe"));
  }
  return root;
}

const facts = (
  root: string,
  children: readonly KeptChild[],
  codeDir = "/nowhere",
  agentStartedAt = Date.now() + 60_000,
  program?: KeeperStatus["program"],
) => {
  const keeperFile = async () => "/opt/keeper.mjs";
  return readBootFacts({ keeper: keeperWith(children, program), agentStartedAt, keeperFile, codeDir, root });
};

test("a keeper in whose place another file would be started is told of", async () => {
  const root = await systemWith({});
  const started = async (file: string) => {
    const { programs } = await facts(root, [], "/nowhere", 0, { release: "sha256:a", file });
    return programs.find(({ who }) => who === "keeper")?.startsInstead;
  };
  expect(await started("/opt/keeper.mjs")).toBeUndefined();
  expect(await started("/opt/older/keeper.mjs")).toBe("/opt/keeper.mjs");
});

test("a program that was replaced under its process is found, and only that", async () => {
  const root = await systemWith({ 12: "/usr/sbin/haproxy (deleted)", 13: "/usr/bin/node" });
  const { programs, unread } = await facts(root, [child({}), child({ id: "slot-shop-blue", pid: 13 })]);
  expect(programs.map(({ who, program, isReplaced }) => [who, program, isReplaced])).toEqual([
    ["agent", "/bin/node", false],
    ["keeper", "/bin/node", false],
    ["proxy-shop-1", "/usr/sbin/haproxy", true],
    ["slot-shop-blue", "/usr/bin/node", false],
  ]);
  expect(unread).toEqual([]);
});

test("a process that ended meanwhile is not spoken of; on a system that tells nothing every process is", async () => {
  const root = await systemWith({});
  expect((await facts(root, [child({})])).programs.map(({ who }) => who)).toEqual(["agent", "keeper"]);
  const { programs, unread } = await facts(await folder(), [child({})]);
  expect(programs).toEqual([]);
  expect(unread).toEqual([
    "nobody can tell which program agent would run: ENOENT",
    "nobody can tell which program keeper would run: ENOENT",
    "nobody can tell which program proxy-shop-1 would run: ENOENT",
  ]);
});

test("code that changed is told of the processes that had read it before, and of no others", async () => {
  const root = await systemWith({ 12: "/bin/node", 13: "/bin/node" });
  const codeDir = await folder();
  await mkdir(join(codeDir, "proxy", "src"), { recursive: true });
  const main = join(codeDir, "proxy", "src", "main.ts");
  await writeFile(main, "");
  await writeFile(join(codeDir, "proxy", "src", "main.test.ts"), "");
  const ours = child({ command: "node", args: [main] });
  const theirs = child({ id: "slot-shop-blue", pid: 13, command: "node", args: ["/srv/server.js"] });
  const { programs } = await facts(root, [ours, theirs], codeDir);
  expect(programs.filter(({ newerFile }) => newerFile !== undefined)).toEqual([
    { who: "proxy-shop-1", program: "/bin/node", isReplaced: false, newerFile: main },
  ]);
});

test("a newer kernel of the same flavour counts, and the system's own wish for a reboot with its packages", async () => {
  const root = await systemWith({});
  for (const kernel of ["6.1.0-9-amd64", "6.1.0-28-amd64", "6.1.0-30-cloud-amd64"]) {
    await mkdir(join(root, "lib", "modules", kernel), { recursive: true });
  }
  await mkdir(join(root, "proc/sys/kernel"), { recursive: true });
  await writeFile(join(root, "proc/sys/kernel/osrelease"), "6.1.0-9-amd64\n");
  const before = await facts(root, []);
  expect(before.kernel).toEqual({ running: "6.1.0-9-amd64", newest: "6.1.0-28-amd64" });
  expect(before.rebootAskedFor).toBeUndefined();
  await mkdir(join(root, "run"));
  await writeFile(join(root, "run", "reboot-required"), "");
  expect((await facts(root, [])).rebootAskedFor).toEqual([]);
  await writeFile(join(root, "run", "reboot-required.pkgs"), "linux-base\nlibc6\nlinux-base\n");
  expect((await facts(root, [])).rebootAskedFor).toEqual(["libc6", "linux-base"]);
});

test.runIf(process.platform === "linux")(
  "a real process notices that a package manager replaced its program",
  async () => {
    const program = join(await folder(), "sleep");
    await copyFile("/bin/sleep", program);
    const process = spawn(program, ["600"]);
    onTestFinished(() => void process.kill("SIGKILL"));
    await once(process, "spawn");
    const look = async () => {
      const { programs } = await facts("/", [child({ id: "engine", pid: process.pid ?? null })]);
      return programs.find(({ who }) => who === "engine");
    };
    expect(await look()).toMatchObject({ program, isReplaced: false });
    await copyFile("/bin/sleep", `${program}.new`);
    await rename(`${program}.new`, program);
    expect(await look()).toMatchObject({ program, isReplaced: true });
  },
);
