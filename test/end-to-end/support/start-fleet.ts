import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keeperSocketOf } from "@sluice/agent/keeper/ensure-keeper-running";
import { type KeeperClient, openKeeper } from "@sluice/agent/keeper/keeper-client";
import { type CommandResult, runCommand } from "@sluice/cli/demo/run-command";
import { ChildProcesses } from "@sluice/cli/dev/child-processes";
import { stopHost } from "@sluice/cli/dev/stop-host";
import { type CoordinatorClient, openCoordinatorClient } from "@sluice/cli/operator/coordinator-client";
import { packRelease } from "@sluice/cli/operator/pack-release";
import type { EngineName } from "@sluice/core";
import type { HostStatus } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { type Clock, clockOf, nodeClock, type Pace, paceText, paceVariable } from "@sluice/runtime";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import { eventually } from "./eventually.ts";
import { type FleetShape, fleetText, type HostPorts } from "./fleet-text.ts";
import { processesOf } from "./processes-of.ts";
import { type Variant, writeRelease } from "./releases.ts";

export interface FleetOptions {
  /** Of all site proxies and fronts; `node` unless given. */
  readonly engine?: EngineName;
  readonly hosts?: readonly string[];
  readonly sites?: readonly string[];
  /** `100%` unless given. */
  readonly waves?: string;
  readonly soak?: string;
  readonly drain?: string;
  readonly approval?: string;
  /** How much faster than real time coordinator, agents and the command line go; 1 unless given. */
  readonly paceTimes?: number;
  /** The fleet file; {@link fleetText} unless given. */
  readonly textOf?: (shape: FleetShape) => string;
  /** Starts agents through this file instead of the command line; it gets the same arguments. */
  readonly agentProgram?: string;
  /** Done for each host before its agent is started for the first time. */
  readonly before?: (host: FleetHost) => Promise<void>;
  /** Agents run under their watchdogs, so that rollouts can change them. */
  readonly watchdogs?: boolean;
}

export interface FleetHost extends HostPorts {
  readonly dir: string;
}

/** `coordinator`, or the name of a host for its agent. */
export type FleetProgram = string;

/** A small fleet of real processes on loopback; disposing ends all of them and proves that none is left. */
export interface Fleet extends AsyncDisposable {
  readonly dir: string;
  readonly address: string;
  readonly hosts: readonly FleetHost[];
  readonly sites: readonly string[];
  readonly client: CoordinatorClient;
  /** What coordinator and agents go by. */
  readonly clock: Clock;
  /** The coordinator's data folder. */
  readonly dataDir: string;
  /** The one host of a fleet of one. */
  readonly host: FleetHost;
  /** The fleet file with changes. */
  text(changes?: Partial<FleetShape>): string;
  fleetFile(changes?: Partial<FleetShape>): Promise<string>;
  /** The real command line, as a process of its own. */
  sluice(...args: readonly string[]): Promise<CommandResult>;
  push(site: string, version: string, variant?: Variant): Promise<void>;
  pushFolder(site: string, version: string, folder: string): Promise<void>;
  /** Deploys and answers with the completed rollout; rejects with the reason when it ends otherwise. */
  deploy(site: string, version: string): Promise<Rollout>;
  /** Begins a deployment and answers with the id of its rollout. */
  beginDeploy(site: string, version: string): Promise<string>;
  /** The rollout as it ended; comes back to a coordinator that goes away meanwhile. */
  untilEnded(id: string): Promise<Rollout>;
  untilCompleted(id: string): Promise<Rollout>;
  /** Resolves when the coordinator answers and hears every host. */
  untilConnected(): Promise<void>;
  status(host: string): Promise<HostStatus>;
  keeper(host: string): KeeperClient;
  start(program: FleetProgram): Promise<number>;
  /**
   * Starts coordinator and agents again so that they, and the command line, go by a clock that is `times` as fast, and speak and
   * probe so often. `between` is called when none of them runs.
   */
  quicken(times: number, periods: Periods, between: () => void): Promise<void>;
  /** The coordinator first, and the agents when it answers: one that asks in vain asks less and less often, up to once a minute. */
  startInOrder(programs: readonly FleetProgram[]): Promise<void>;
  kill(program: FleetProgram): Promise<void>;
  pidOf(program: FleetProgram): number;
}

/** In real time, whatever the clock of the fleet. */
export interface Periods {
  readonly heartbeatMs: number;
  readonly probeEveryMs: number;
}

/** Quick enough for a test, slow enough for a busy machine. */
const periodsUsual: Periods = { heartbeatMs: 500, probeEveryMs: 100 };

/** A rollout that compiles a whole program on a busy machine is waited for; one that takes longer hangs. */
const commandMsMax = 180_000;

const mainFile = fileURLToPath(import.meta.resolve("@sluice/cli/sluice"));

const endedPhases: readonly string[] = ["completed", "reverted", "held", "aborted"];

/** Starts coordinator and agents, applies the fleet file, and resolves when every host is connected. Nothing is deployed. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  // Unix sockets lie below it, so its path has to be short.
  const dir = await mkdtemp(join(tmpdir().length > 20 ? "/tmp" : tmpdir(), "sl-e2e-"));
  const fleet = new SmallFleet(dir, options, await choosePorts(dir, options));
  try {
    await fleet.bringUp();
    return fleet;
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
}

interface Ports {
  readonly coordinator: number;
  readonly hosts: readonly FleetHost[];
}

async function choosePorts(dir: string, { hosts = ["h1"], sites = ["shop"] }: FleetOptions): Promise<Ports> {
  const ports = [...(await findFreePorts(1 + hosts.length * (1 + sites.length)))];
  const next = (): number => ports.pop() ?? 0;
  return {
    coordinator: next(),
    hosts: hosts.map((name) => ({
      name,
      dir: join(dir, "hosts", name),
      sharedPort: next(),
      ownPorts: Object.fromEntries(sites.map((site) => [site, next()])),
    })),
  };
}

class SmallFleet implements Fleet {
  readonly dir: string;
  readonly address: string;
  readonly hosts: readonly FleetHost[];
  readonly sites: readonly string[];
  readonly client: CoordinatorClient;
  readonly dataDir: string;
  readonly #options: FleetOptions;
  #pace: Pace;
  #periods = periodsUsual;
  readonly #processes: ChildProcesses;
  readonly #pids = new Map<FleetProgram, number>();

  constructor(dir: string, options: FleetOptions, ports: Ports) {
    this.dir = dir;
    this.#options = options;
    this.hosts = ports.hosts;
    this.sites = options.sites ?? ["shop"];
    this.address = `127.0.0.1:${ports.coordinator}`;
    this.client = openCoordinatorClient(this.address, "test");
    this.dataDir = join(dir, "coordinator");
    this.#pace = { times: options.paceTimes ?? 1, since: nodeClock.now() };
    this.#processes = new ChildProcesses(dir);
  }

  /** Gives every program of the fleet the same clock. */
  get #env(): Readonly<Record<string, string>> {
    return this.#pace.times === 1 ? {} : { [paceVariable]: paceText(this.#pace) };
  }

  get clock(): Clock {
    return clockOf(this.#env);
  }

  get host(): FleetHost {
    const [host] = this.hosts;
    if (host === undefined) throw new Error("the fleet has no host");
    return host;
  }

  async bringUp(): Promise<void> {
    await this.start("coordinator");
    const files = [{ name: "fleet.yaml", text: this.text() }];
    const applied = await eventually("the first fleet file is applied", () =>
      this.client.apply({ files, reason: "first", overrides: [] }),
    );
    if (applied.problems.length > 0) throw new Error(`fleet file: ${JSON.stringify(applied.problems)}`);
    const { before } = this.#options;
    if (before !== undefined) await mkdir(join(this.dir, "hosts"), { recursive: true });
    for (const host of this.hosts) await before?.(host);
    await Promise.all(this.hosts.map(({ name }) => this.start(name)));
    await this.untilConnected();
  }

  async untilConnected(): Promise<void> {
    for (const { name } of this.hosts) {
      await eventually(`${name} is connected`, async () => (await this.status(name)).connected);
    }
  }

  text(changes: Partial<FleetShape> = {}): string {
    const { engine = "node", waves = "100%", soak = "10ms", drain = "5s", approval } = this.#options;
    const { hosts, sites, dir } = this;
    const usual = { forward: "preserve", onRegression: "revert" } as const;
    const { textOf = fleetText } = this.#options;
    return textOf({ ...usual, engine, hosts, sites, dir, waves, soak, drain, approval, ...changes });
  }

  async fleetFile(changes?: Partial<FleetShape>): Promise<string> {
    const file = join(this.dir, "fleet.yaml");
    await writeFile(file, this.text(changes));
    return file;
  }

  sluice(...args: readonly string[]): Promise<CommandResult> {
    return runCommand(args, {
      coordinator: this.address,
      cwd: this.dir,
      env: { ...process.env, NO_COLOR: "1", ...this.#env },
      signal: AbortSignal.timeout(commandMsMax),
      onLine: () => undefined,
    });
  }

  async push(site: string, version: string, variant: Variant = "good"): Promise<void> {
    await this.pushFolder(site, version, await writeRelease(this.dir, site, version, variant));
  }

  async pushFolder(site: string, version: string, folder: string): Promise<void> {
    const { tarball, digest } = await packRelease(folder);
    await this.client.pushRelease({ site, version, digest, bytes: tarball.length }, tarball);
  }

  async deploy(site: string, version: string): Promise<Rollout> {
    return this.untilCompleted(await this.beginDeploy(site, version));
  }

  async beginDeploy(site: string, version: string): Promise<string> {
    const unasked = { toEnvironment: undefined, reason: undefined, overrides: [] };
    const { rolloutId } = await this.client.deploy({ site, version, ...unasked });
    if (rolloutId === undefined) throw new Error(`nothing to do for ${site} ${version}`);
    return rolloutId;
  }

  async untilCompleted(id: string): Promise<Rollout> {
    const rollout = await this.untilEnded(id);
    if (rollout.phase === "completed") return rollout;
    throw new Error(`rollout ${id} is ${rollout.phase}: ${rollout.cause?.sentence ?? rollout.statusLine}`);
  }

  untilEnded(id: string): Promise<Rollout> {
    return eventually(`rollout ${id} ends`, async () => {
      const rollout = await this.client.getRollout(id);
      return endedPhases.includes(rollout.phase) && rollout;
    });
  }

  async status(host: string): Promise<HostStatus> {
    const { hosts } = await this.client.getStatus({ host, site: undefined });
    const found = hosts.find((one) => one.host === host);
    if (found === undefined) throw new Error(`no status of ${host}`);
    return found;
  }

  keeper(host: string): KeeperClient {
    return openKeeper(keeperSocketOf(this.#hostOf(host).dir));
  }

  async start(program: FleetProgram): Promise<number> {
    const logFile = join(this.dir, "logs", `${program}.log`);
    const args = this.#argumentsOf(program);
    // With what it would begin once more for: hundreds of starts in a run.
    const env = { MALLOC_ARENA_MAX: "1", ...this.#env };
    const { pid } = await this.#processes.start({ name: program, args, logFile, env });
    this.#pids.set(program, pid);
    return pid;
  }

  async quicken(times: number, periods: Periods, between: () => void): Promise<void> {
    const agents = this.hosts.map(({ name }) => name);
    await Promise.all(["coordinator", ...agents].map((program) => this.kill(program)));
    this.#pace = { times, since: nodeClock.now() };
    this.#periods = periods;
    between();
    await this.startInOrder(agents);
    await this.untilConnected();
  }

  async startInOrder(programs: readonly FleetProgram[]): Promise<void> {
    await this.start("coordinator");
    await eventually("the coordinator answers", () => this.client.getStatus({ host: undefined, site: undefined }));
    await Promise.all(programs.filter((program) => program !== "coordinator").map((program) => this.start(program)));
  }

  kill(program: FleetProgram): Promise<void> {
    return this.#processes.end(program, "SIGKILL");
  }

  pidOf(program: FleetProgram): number {
    const pid = this.#pids.get(program);
    if (pid === undefined) throw new Error(`${program} was never started`);
    return pid;
  }

  #hostOf(name: string): FleetHost {
    const host = this.hosts.find((one) => one.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  #argumentsOf(program: FleetProgram): readonly string[] {
    if (program === "coordinator") {
      const { heartbeatMs, probeEveryMs } = this.#periods;
      const times = [
        ["--heartbeat", heartbeatMs],
        ["--probe-every", probeEveryMs],
      ] as const;
      const paced = times.flatMap(([option, ms]) => [option, `${ms * this.#pace.times}ms`]);
      return [mainFile, "coordinator", "run", "--data", this.dataDir, "--listen", this.address, ...paced];
    }
    const { dir } = this.#hostOf(program);
    const { agentProgram: file = mainFile, watchdogs = false } = this.#options;
    const watched = watchdogs ? [] : ["--no-watchdog"];
    return [file, "agent", "run", "--host", program, "--data", dir, "--coordinator", this.address, ...watched];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    // Agents first: they would start a keeper again.
    const signal = this.#options.watchdogs === true ? "SIGTERM" : "SIGKILL";
    await Promise.all(this.hosts.map(({ name }) => this.#processes.end(name, signal)));
    await Promise.all([this.#processes.end("coordinator", "SIGKILL"), ...this.hosts.map((host) => stopHost(host.dir))]);
    const left = processesOf(this.dir);
    for (const { pid } of left) process.kill(pid, "SIGKILL");
    await eventually("the fleet's last process is gone", () => processesOf(this.dir).length === 0);
    if (process.env.SLUICE_KEEP_FLEETS === undefined) await rm(this.dir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left running: ${left.map(({ command }) => command).join("; ")}`);
  }
}
