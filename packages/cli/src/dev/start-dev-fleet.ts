import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type EngineName, Problem } from "@sluice/core";
import { findHaproxy } from "@sluice/proxy/haproxy/find-haproxy";
import { nodeClock, type Pace, paceText, paceVariable } from "@sluice/runtime";
import { type CoordinatorClient, openCoordinatorClient } from "../operator/coordinator-client.ts";
import { ChildProcesses } from "./child-processes.ts";
import { chooseDevLayout, type DevLayout, fleetFileOf, logFileOf } from "./dev-layout.ts";
import { edgeArguments } from "./edge-process.ts";
import { devFleetFile } from "./fleet-template.ts";
import { emptyDevFolder, endLeftovers, isOwned, markDevFolder } from "./leftovers.ts";
import { writeSampleReleases } from "./sample-releases.ts";
import { stopHost } from "./stop-host.ts";

export interface DevFleetOptions {
  /** Data folder; what an earlier dev fleet left in it is stopped and removed. Short, because unix sockets lie in it. */
  readonly dir: string;
  readonly log: (sentence: string) => void;
  /** The process that runs the fleet; when it is gone, what is left of the fleet may be stopped by anybody. */
  readonly pid: number;
  /** Of both environments, as in the fleet file. */
  readonly soak?: string;
  /** Of all proxies and fronts; `node` unless given. */
  readonly engine?: EngineName;
}

/** A fleet of real processes on loopback: coordinator, three agents with their keepers, an edge. */
export interface DevFleet extends AsyncDisposable {
  readonly layout: DevLayout;
  readonly fleetFile: string;
  /** Ends the coordinator or the agent of a host with SIGKILL, as a crash would. */
  kill(program: DevProgram): Promise<void>;
  /** Starts it again, with the data it had. */
  restart(program: DevProgram): Promise<void>;
  /** What a program needs in its environment to go by the fleet's clock. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts coordinator and agents again, by a clock that goes `times` as fast from now on; resolves when all are connected. */
  quicken(times: number): Promise<void>;
}

/** `coordinator`, `edge`, or the name of a host for its agent. */
export type DevProgram = string;

const soakDefault = "5s";

/** In real time: a person who tries a fleet out waits seconds, not minutes, for evidence. */
const probeEveryMs = 250;
/** In real time, however fast the clock of the fleet goes. */
const heartbeatMs = 2000;

/** Starting three agents takes some seconds on a busy machine. */
const startMs = 60_000;
const pollMs = 100;

const mainFile = fileURLToPath(new URL("../sluice.mjs", import.meta.url));

/**
 * Starts the fleet and resolves when every host is connected; no site has a release yet. Disposing stops everything,
 * keepers, proxies and slots included, which agents themselves never do.
 */
export async function startDevFleet(options: DevFleetOptions): Promise<DevFleet> {
  const { dir, log, engine = "node" } = options;
  // Said here once instead of by every host.
  if (engine === "haproxy") await findHaproxy();
  if (!isOwned(dir)) await sayEnded(dir, log);
  await emptyDevFolder(dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await markDevFolder(dir, options.pid);
  const layout = await chooseDevLayout({ dir, soak: options.soak ?? soakDefault, engine });
  await writeFile(fleetFileOf(dir), devFleetFile(layout));
  await writeSampleReleases(dir);
  const processes = new ChildProcesses(dir);
  const fleet = createDevFleet(layout, processes, log);
  try {
    await bringUp(layout, fleet, processes, log);
    return fleet;
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
}

async function sayEnded(dir: string, log: (sentence: string) => void): Promise<void> {
  const ended = await endLeftovers(dir);
  if (ended.length > 0) log(`stopped what an earlier dev fleet left running: ${ended.join(", ")}`);
}

function createDevFleet(layout: DevLayout, processes: ChildProcesses, log: DevFleetOptions["log"]): DevFleet {
  let pace: Pace = { times: 1, since: nodeClock.now() };
  const fleet: DevFleet = {
    layout,
    fleetFile: fleetFileOf(layout.dir),
    kill: (program) => processes.end(program, "SIGKILL"),
    restart: async (program) => {
      const args = argumentsOf(layout, program, pace.times);
      await processes.start({ name: program, args, logFile: logFileOf(layout.dir, program), env: fleet.env });
    },
    get env() {
      return pace.times === 1 ? {} : { [paceVariable]: paceText(pace) };
    },
    quicken: async (times) => {
      await Promise.all(["coordinator", ...layout.hosts.map(({ name }) => name)].map((name) => fleet.kill(name)));
      pace = { times, since: nodeClock.now() };
      await bringBack(layout, fleet, processes, log);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(layout.hosts.map((host) => processes.end(host.name, "SIGTERM")));
      await Promise.all([
        ...layout.hosts.map((host) => stopHost(host.dir)),
        processes.end("coordinator", "SIGTERM"),
        processes.end("edge", "SIGTERM"),
      ]);
      await rm(join(layout.dir, "processes.json"), { force: true });
    },
  };
  return fleet;
}

async function bringUp(
  layout: DevLayout,
  fleet: DevFleet,
  processes: ChildProcesses,
  log: DevFleetOptions["log"],
): Promise<void> {
  await fleet.restart("edge");
  await bringBack(layout, fleet, processes, log, (client) => applyFleetFile(client, layout));
}

/** Starts the coordinator, and when it answers, the agents; resolves when all are connected. */
async function bringBack(
  layout: DevLayout,
  fleet: DevFleet,
  processes: ChildProcesses,
  log: DevFleetOptions["log"],
  between: (client: CoordinatorClient) => Promise<void> = async () => undefined,
): Promise<void> {
  using client = openCoordinatorClient(layout.coordinator, "dev");
  await fleet.restart("coordinator");
  await waitFor("coordinator", layout, processes, async () => {
    await client.listRollouts({ activeOnly: true, limit: 1 });
    return true;
  });
  log(`coordinator listens on ${layout.coordinator}`);
  await between(client);
  await Promise.all(layout.hosts.map((host) => fleet.restart(host.name)));
  for (const host of layout.hosts) {
    await waitFor(host.name, layout, processes, async () => {
      const status = await client.getStatus({ host: host.name });
      return status.hosts.some((seen) => seen.host === host.name && seen.connected);
    });
  }
  log(`hosts are connected: ${layout.hosts.map((host) => `${host.name} (${host.environment})`).join(", ")}`);
}

async function applyFleetFile(client: CoordinatorClient, layout: DevLayout): Promise<void> {
  const answer = await client.apply({
    files: [{ name: "fleet.yaml", text: devFleetFile(layout) }],
    reason: "first fleet file",
    overrides: [],
  });
  const [problem] = answer.problems;
  if (problem !== undefined) {
    throw new Problem(
      "fleet-file-invalid",
      `cannot apply the fleet file of the dev fleet: line ${problem.line}: ${problem.sentence}`,
    );
  }
}

function argumentsOf(layout: DevLayout, program: DevProgram, times: number): readonly string[] {
  if (program === "coordinator") {
    const place = ["--data", join(layout.dir, "coordinator"), "--listen", layout.coordinator];
    const periods = ["--heartbeat", `${heartbeatMs * times}ms`, "--probe-every", `${probeEveryMs * times}ms`];
    return [mainFile, "coordinator", "run", ...place, ...periods];
  }
  if (program === "edge") return edgeArguments(layout);
  const host = layout.hosts.find((candidate) => candidate.name === program);
  if (host === undefined) throw new Problem("host-unknown", `no program '${program}' in the dev fleet`);
  return [
    mainFile,
    "agent",
    "run",
    "--host",
    host.name,
    "--data",
    host.dir,
    "--coordinator",
    layout.coordinator,
    "--no-watchdog",
  ];
}

/** Asks again and again until the answer is yes; a program that has ended meanwhile is a failure at once. */
async function waitFor(
  program: DevProgram,
  layout: DevLayout,
  processes: ChildProcesses,
  isThere: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + startMs;
  let last: unknown;
  while (performance.now() < deadline) {
    const end = processes.endOf(program);
    if (end !== undefined) throw notStarted(program, end, layout, last);
    const there = await isThere().catch((error: unknown) => {
      last = error;
      return false;
    });
    if (there) return;
    await delay(pollMs);
  }
  throw notStarted(program, `it was not there after ${startMs / 1000} s`, layout, last);
}

function notStarted(program: DevProgram, why: string, layout: DevLayout, cause: unknown): Problem {
  return new Problem("spawn-failed", `cannot start ${program} of the dev fleet: ${why}`, {
    hint: `tail ${logFileOf(layout.dir, program)}`,
    cause,
  });
}
