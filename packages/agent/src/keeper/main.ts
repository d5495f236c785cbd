import { mkdirSync, readFileSync, realpathSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { keeperUnit } from "@sluice/core/intent/intent";
import { describeProblem } from "@sluice/core/problems/describe-problem";
import { Problem } from "@sluice/core/problems/problem";
import { programRelease } from "@sluice/core/programs/program-release";
import { durationMs } from "@sluice/core/units/time";
import { nodeClock } from "@sluice/runtime/clock/node-clock";
import { serveControl } from "@sluice/runtime/control/serve-control";
import { assertSocketPath, bindingPath } from "@sluice/runtime/control/socket-path";
import { sha256Text } from "@sluice/runtime/digests/sha256";
import { readDocument } from "@sluice/runtime/files/read-document";
import { startOverCompiled } from "@sluice/runtime/programs/start-over-compiled";
import type { Running } from "@sluice/runtime/running/running";
import { handOver, successorVariable } from "./hand-over.ts";
import { Keeper } from "./keeper.ts";
import { keeperStatus } from "./keeper-api.ts";
import { askKeeper } from "./keeper-client.ts";
import { keeperRoutes } from "./keeper-routes.ts";
import { type KeeperState, keeperState, stateFileAt } from "./keeper-state.ts";
import { stampOf } from "./process-stamp.ts";
import { survivorsOf } from "./survivors.ts";

interface Inheritance {
  readonly state?: KeeperState;
  readonly remarks: readonly string[];
}

const clock = nodeClock;
const predecessorPollMs = durationMs(10);

/** Who a keeper says that it is. */
interface Identity {
  readonly version: string;
  /** Of its release; absent: it was installed by hand. */
  readonly release?: string;
  /** The grant that it was started on trial for. */
  readonly trial?: string;
}

/**
 * Starts the keeper that this process is from then on; resolves when it is in charge. `args` are those of its command line:
 * `--dir DIR [--release DIGEST] [--trial GRANT]`, or `--version`. Ends the process when it can't be one, with 2 when that is their fault.
 */
export async function runKeeper(args: readonly string[], version: string = readBuild()): Promise<void> {
  await main(args, version).catch((error: unknown) => {
    log("keeper.failed", { level: "error", message: describeProblem(error) });
    process.exit(error instanceof Problem && error.category === "invalid" ? 2 : 1);
  });
}

const usage = "usage: keeper --dir DIR [--release DIGEST] [--trial GRANT], or keeper --version";

async function main(args: readonly string[], version: string): Promise<void> {
  const values = parseKeeperArgs(args);
  if (values.version === true) {
    process.stdout.write(`${version}\n`);
    process.exit(0);
  }
  if (values.dir === undefined) endUnusable();
  const dir = resolve(values.dir);
  const { release, trial } = values;
  const identity = {
    version,
    ...(release === undefined ? {} : { release }),
    ...(trial === undefined ? {} : { trial }),
  };
  assertSocketPath(bindingPath(join(dir, "keeper", "keeper.sock")));
  mkdirSync(join(dir, "keeper"), { recursive: true, mode: 0o700 });
  process.on("SIGHUP", () => undefined);
  process.stdout.on("error", () => undefined);
  if (process.env[successorVariable] === undefined) await startAfresh(dir, identity);
  else await succeed(dir, identity);
}

function parseKeeperArgs(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { dir: text, release: text, trial: text, version: { type: "boolean" } } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return endUnusable(error);
  }
}

function endUnusable(cause?: unknown): never {
  const why = cause instanceof Error ? `${cause.message}; ` : "";
  log("keeper.usage", { level: "error", message: `${why}${usage}` });
  process.exit(2);
}

/** The first keeper of a folder, or the one after a crash: adopts what lives on of what the state file tells of. */
async function startAfresh(dir: string, identity: Identity): Promise<void> {
  const { takeStartLock } = await import("./start-lock.ts");
  startOverCompiled();
  using _lock = takeStartLock(join(dir, "keeper", "start.lock"));
  if (await isAnswered(dir)) endContent(dir);
  const inheritance = await readInheritance(join(dir, "keeper", "state.json"));
  if (livesOn(inheritance.state)) endContent(dir);
  const keeper = openKeeperIn(dir, identity, afterCrash(inheritance));
  await keeper.takeCharge();
  await serve(dir, keeper);
}

function endContent(dir: string): never {
  log("keeper.already-running", { dir });
  process.exit(0);
}

/** Whether a keeper answers; one that is there but hangs counts, because its sockets are not to be had anyway. */
async function isAnswered(dir: string): Promise<boolean> {
  try {
    await askKeeper(join(dir, "keeper", "keeper.sock"), "GET", "/status", keeperStatus, { timeoutMs: 5000 });
    return true;
  } catch (error) {
    return !(error instanceof Error && "reason" in error && error.reason === "keeper-unreachable");
  }
}

/** In the middle of a handover that fails a keeper may not answer for a moment, and is there all the same. */
function livesOn(state: KeeperState | undefined): boolean {
  return state !== undefined && stampOf(state.keeper.pid) === state.keeper.stamp;
}

async function readInheritance(path: string): Promise<Inheritance> {
  const read = await readDocument(path, keeperState);
  if (read.kind === "absent") return { remarks: [] };
  if (read.kind === "ok") return { state: read.document, remarks: [] };
  const aside = `${path}.corrupt-${clock.now()}`;
  renameSync(path, aside);
  return { remarks: [`${read.why}; kept as ${aside}; children started before are not watched`] };
}

function afterCrash({ state, remarks }: Inheritance): Inheritance {
  if (state === undefined) return { remarks };
  const survivors = survivorsOf(state);
  for (const remark of survivors.remarks) log("keeper.nothing-lives-on", { remark });
  return { state: survivors.state, remarks: [...remarks, ...survivors.remarks] };
}

/** Answers first, so that the predecessor goes, and decides only when it is gone: never are two in charge. */
async function succeed(dir: string, identity: Identity): Promise<void> {
  delete process.env[successorVariable];
  const state = keeperState.parse(JSON.parse(readFileSync(0, "utf8")));
  const keeper = openKeeperIn(dir, identity, { state, remarks: [] });
  await serve(dir, keeper);
  while (stampOf(state.keeper.pid) === state.keeper.stamp) await clock.sleep(predecessorPollMs);
  await keeper.takeCharge();
  log("keeper.succeeded", { predecessor: state.keeper.pid });
}

function openKeeperIn(dir: string, { version, release, trial }: Identity, { state, remarks }: Inheritance): Keeper {
  const digest = release ?? programRelease(keeperUnit, version, undefined, sha256Text).digest;
  return new Keeper({
    build: version,
    program: { release: digest, file: realpathSync(process.argv[1] ?? "."), ...(trial === undefined ? {} : { trial }) },
    logsDir: join(dir, "logs"),
    clock,
    stateFile: stateFileAt(join(dir, "keeper", "state.json")),
    remarks,
    log,
    ...(state === undefined ? {} : { inheritance: state }),
  });
}

function readBuild(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return String(version);
}

/** Serves until a successor answers or somebody asks us to stop. Children and their sockets live on either way. */
async function serve(dir: string, keeper: Keeper): Promise<void> {
  const socketPath = join(dir, "keeper", "keeper.sock");
  let control: Running;
  const listen = async () => {
    control = await serveControl({ path: socketPath, routes });
  };
  const stop = async (why: string) => {
    log("keeper.stopping", { why });
    await control[Symbol.asyncDispose]();
    await keeper[Symbol.asyncDispose]();
    process.exit(0);
  };
  const reclaim = async () => {
    const previous = control;
    await listen();
    void previous[Symbol.asyncDispose]();
  };
  const routes = keeperRoutes(keeper, async (order) => {
    const done = await handOver({ keeper, socketPath, clock, reclaim }, order);
    setImmediate(() => void stop(`succeeded by ${done.pid}`));
    return done;
  });
  await listen();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop(signal));
  log("keeper.listening", { socket: socketPath });
}

/** One event a line, as the other programs write them; written here because a logging library would be the larger part. */
function log(event: string, fields: object): void {
  const line = {
    level: "info",
    time: new Date(clock.now()).toISOString(),
    pid: process.pid,
    name: "keeper",
    msg: event,
    ...fields,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
