import { existsSync } from "node:fs";
import { mkdir, open, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { KeeperSeen, Kept, UnitRelease } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { type KeeperFile, planKeeperFile } from "@sluice/core/programs/plan-keeper-file";
import { keeperFileSchema } from "@sluice/core/programs/program-change-schema";
import { isProgram } from "@sluice/core/programs/program-release";
import { sameJson } from "@sluice/core/units/same-json";
import { readDocument, writeFileDurably } from "@sluice/runtime";
import type { OwnKeeper } from "../drivers.ts";
import { releaseFolder } from "../install/site-content.ts";
import { askProgram } from "../program/ask-program.ts";
import { keeperCommand } from "./ensure-keeper-running.ts";
import type { KeeperStatus } from "./keeper-api.ts";
import type { KeeperClient } from "./keeper-client.ts";
import { keeperState } from "./keeper-state.ts";
import { stampOf } from "./process-stamp.ts";

export interface OwnKeeperOptions {
  readonly dataDir: string;
  readonly keeper: Pick<KeeperClient, "status" | "handover">;
  /** A rollout has brought the agent; else it was installed by hand. */
  readonly isAgentPushed: boolean;
}

/** The command line of a keeper without its folder. */
type KeeperCommand = readonly [string, string, ...string[]];

export interface HostKeeper extends OwnKeeper {
  /** How the proven keeper is started, or the installed one; `--dir DIR` is to be appended. */
  startCommand(): Promise<KeeperCommand>;
  /** The file of it that Node is started with, where it really is. */
  startFile(): Promise<string>;
}

const keeperFileOf = (dataDir: string): string => join(dataDir, "keeper", "program.json");

const emptyFile: KeeperFile = { version: 1 };

/** How much of what a keeper wrote last is looked through for why it ended. */
const lastWordsMax = 4_000;

/** The keeper of this host as a program that can be changed. */
export function openOwnKeeper({ dataDir, keeper, isAgentPushed }: OwnKeeperOptions): HostKeeper {
  const path = keeperFileOf(dataDir);
  const seenPids = new Map<number, string | undefined>();
  const [node, own] = keeperCommand();
  const read = async (): Promise<KeeperFile> => {
    const found = await readDocument(path, keeperFileSchema);
    // An unreadable one is as good as none: then what was installed by hand is started.
    return found.kind === "ok" ? found.document : emptyFile;
  };
  const write = async (file: KeeperFile): Promise<void> => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFileDurably(path, `${JSON.stringify(file)}\n`);
  };
  const tell = async (proven: UnitRelease | undefined, isLax = false): Promise<KeeperFile> => {
    const file = await read();
    const isInstalledThere = file.installed !== undefined && existsSync(file.installed);
    const next = planKeeperFile({ file, proven, own, isAgentInstalled: !isAgentPushed, isInstalledThere });
    if (!sameJson(next, file)) {
      const written = write(next);
      await (isLax ? written.catch(() => undefined) : written);
    }
    return next;
  };
  const installed = async (): Promise<KeeperCommand> => {
    const file = (await read()).installed;
    return [node, file !== undefined && existsSync(file) ? file : own];
  };
  const pushed = (files: { readonly artifact: string; readonly entry: string }, digest: string): KeeperCommand => [
    node,
    join(releaseFolder(dataDir, files.artifact), files.entry),
    ...["keeper", "--release", digest],
  ];
  const startCommand = async (): Promise<KeeperCommand> => {
    // A full disk must not keep a keeper from being started.
    const { proven } = await tell(undefined, true);
    const command = proven?.files === undefined ? undefined : pushed(proven.files, proven.digest);
    return command !== undefined && existsSync(command[1]) ? command : installed();
  };
  const handOver = async ([program, ...args]: KeeperCommand): Promise<void> => {
    const log = join(dataDir, "logs", "keeper.log");
    const from = await sizeOf(log);
    try {
      const { pid } = await keeper.handover(program, [...args, "--dir", dataDir]);
      seenPids.set(pid, stampOf(pid));
    } catch (error) {
      throw notHandedOver(error, await lastWords(log, from));
    }
  };
  return {
    async seen() {
      const status = await keeper.status();
      seenPids.clear();
      seenPids.set(status.pid, stampOf(status.pid));
      return asSeen(status);
    },
    tell: async (proven) => void (await tell(proven)),
    startCommand,
    async startFile() {
      const [, file] = await startCommand();
      return realpath(file).catch(() => file);
    },
    async askVersion({ digest, version, content }, signal) {
      const files = isProgram(content) ? content.files : undefined;
      if (files === undefined) return installedVersion((await installed())[1]);
      const [, entry] = pushed(files, digest);
      return askProgram({ name: `keeper ${version}`, args: [entry, "keeper", "--version"], signal });
    },
    async handOver({ digest, content }, grant) {
      const files = isProgram(content) ? content.files : undefined;
      const command = files === undefined ? await installed() : pushed(files, digest);
      await handOver([...command, "--trial", grant]);
    },
    handBack: async () => handOver(await startCommand()),
    lostOf: async (kept) => lostOf(kept, await keeper.status()),
    async putDown() {
      const state = await readDocument(join(dataDir, "keeper", "state.json"), keeperState);
      if (state.kind === "ok") seenPids.set(state.document.keeper.pid, state.document.keeper.stamp);
      for (const [pid, stamp] of seenPids)
        if (stamp !== undefined && stampOf(pid) === stamp) process.kill(pid, "SIGKILL");
    },
  };
}

function asSeen(status: KeeperStatus): KeeperSeen | undefined {
  const { program, build: version, pid, startedAt } = status;
  if (program === undefined) return undefined;
  const { release: digest, trial } = program;
  return {
    digest,
    version,
    pid,
    startedAtMs: startedAt,
    ...(trial === undefined ? {} : { trial }),
    kept: keptBy(status),
  };
}

function keptBy({ sockets, children }: KeeperStatus): Kept {
  const running = children.filter(({ restart, phase }) => restart === "on-exit" && phase === "running");
  return {
    sockets: sockets.filter(({ orphaned }) => orphaned !== true).map(({ name }) => name),
    children: Object.fromEntries(running.flatMap(({ id, pid }) => (pid === null ? [] : [[id, pid] as const]))),
  };
}

/** What ended meanwhile, and what was taken away by order, is not lost. */
function lostOf(kept: Kept, status: KeeperStatus): readonly string[] {
  const now = keptBy(status);
  const known = new Map(status.children.map(({ id, pid }) => [id, pid]));
  return [
    ...kept.sockets.filter((name) => !now.sockets.includes(name)).map((name) => `socket ${name}`),
    ...Object.entries(kept.children)
      .filter(([id, pid]) => known.get(id) !== pid && stampOf(pid) !== undefined)
      .map(([id, pid]) => `child ${id} (pid ${pid})`),
  ];
}

/** An installed keeper says its version when it runs; until then the package that it belongs to does. */
async function installedVersion(start: string): Promise<string> {
  const path = join(dirname(start), "..", "..", "package.json");
  try {
    return String(JSON.parse(await readFile(path, "utf8")).version);
  } catch (cause) {
    throw new Problem("spawn-failed", `cannot tell the version of the keeper that was installed at '${start}'`, {
      cause,
    });
  }
}

/** With what it complained about, since nobody who asks has been there. Only who was busy, or slow, may be asked again. */
function notHandedOver(error: unknown, words: string): unknown {
  if (error instanceof Problem && error.reason === "keeper-unreachable") return error;
  const reason = error instanceof Problem && error.reason === "deadline-passed" ? error.reason : "slot-exited";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  const why = words === "" ? cause : `${cause}: ${words}`;
  return new Problem(reason, `the keeper before goes on: ${why}`, { cause: error });
}

const sizeOf = async (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

async function lastWords(path: string, from: number): Promise<string> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const start = Math.max(from, size - lastWordsMax);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(Math.max(1, size - start)), position: start });
    const lines = buffer
      .toString("utf8", 0, bytesRead)
      .split("\n")
      .map((line) => line.trim());
    return lines.findLast((line) => /error/i.test(line) && !line.startsWith('{"level":"info"')) ?? "";
  } catch {
    return "";
  }
}
