import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureKeeperRunning, keeperCommand, keeperSocketOf } from "../ensure-keeper-running.ts";
import type { ChildSpec, KeptChild } from "../keeper-api.ts";
import { type KeeperClient, openKeeper } from "../keeper-client.ts";
import { stampOf } from "../process-stamp.ts";

/** A data folder with a real keeper; disposing ends every process that it ever had. */
export interface KeeperFixture extends AsyncDisposable {
  readonly dir: string;
  readonly keeper: KeeperClient;
  /** A successor of the present build takes over. */
  handover(): Promise<number>;
  /** The present keeper is killed and a new one started, as an agent would. */
  crashAndRestart(): Promise<void>;
  log(id: string): string;
}

export async function startKeeperFixture(): Promise<KeeperFixture> {
  const dir = mkdtempSync(join(tmpdir(), "sluice-keeper-"));
  const keeper = openKeeper(keeperSocketOf(dir));
  const pids = new Set<number>();
  const remember = (pid: number | null) => {
    if (pid !== null) pids.add(pid);
  };
  remember((await ensureKeeperRunning({ dir })).pid);
  return {
    dir,
    keeper,
    async handover() {
      const [command, ...args] = keeperCommand();
      const { pid } = await keeper.handover(command, [...args, "--dir", dir]);
      remember(pid);
      return pid;
    },
    async crashAndRestart() {
      const { pid } = await keeper.status();
      process.kill(pid, "SIGKILL");
      await until(() => stampOf(pid) === undefined);
      remember((await ensureKeeperRunning({ dir })).pid);
    },
    log: (id) => readFileSync(join(dir, "logs", `${id}.log`), "utf8"),
    async [Symbol.asyncDispose]() {
      await removeAllChildren(dir);
      for (const pid of pids) await endProcess(pid);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function removeAllChildren(dir: string): Promise<void> {
  await ensureKeeperRunning({ dir });
  const keeper = openKeeper(keeperSocketOf(dir));
  const { children, pid } = await keeper.status();
  await Promise.all(children.map(({ id }) => keeper.removeChild(id, 0)));
  await endProcess(pid);
}

async function endProcess(pid: number): Promise<void> {
  if (stampOf(pid) === undefined) return;
  process.kill(pid, "SIGTERM");
  await until(() => stampOf(pid) === undefined);
}

/** Polls until `holds`; the limit is generous because the machine may be busy. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${holds.toString()}`);
    await delay(10);
  }
}

/** A child that runs `script` in Node. */
export function nodeChild(script: string, over: Partial<ChildSpec> = {}): ChildSpec {
  return {
    command: process.execPath,
    args: ["-e", script],
    env: {},
    cwd: tmpdir(),
    sockets: [],
    restart: "never",
    ...over,
  };
}

/** Answers every request on fd 3 with its pid and says so in its log. */
export const answerWithPid = `
  const server = require("http").createServer((request, response) => {
    if (request.url === "/crash") process.kill(process.pid, "SIGKILL");
    response.setHeader("connection", "close");
    response.end(String(process.pid));
  });
  server.listen({ fd: 3 }, () => console.log("listening"));
`;

export const isRunning = (child: KeptChild): boolean => child.phase === "running";
