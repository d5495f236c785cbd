import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keeperSocketOf } from "@sluice/agent/keeper/ensure-keeper-running";
import { openKeeper } from "@sluice/agent/keeper/keeper-client";
import { ChildProcesses } from "@sluice/cli/dev/child-processes";
import { stopHost } from "@sluice/cli/dev/stop-host";
import { type CoordinatorClient, openCoordinatorClient } from "@sluice/cli/operator/coordinator-client";
import type { EngineName } from "@sluice/core";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { findFreePorts } from "@sluice/runtime/ports/find-free-ports";
import { eventually } from "../../end-to-end/support/eventually.ts";
import type { BenchWorld } from "../bench-world.ts";
import { kill, treeOf } from "../machine/processes.ts";
import type { SlotPorts } from "../slots/slot-ports.ts";
import { type BenchFleetShape, type BenchSite, benchFleetFile, benchSite, hostName } from "./bench-fleet-file.ts";

export interface BenchFleetOptions {
  readonly engine: EngineName;
  readonly slots: SlotPorts;
  /** `default` as operators have it; `quick` for what should not wait for a heartbeat. */
  readonly pace: "default" | "quick";
  /** Most sites there will be; 1 unless given. */
  readonly sitesMax?: number;
}

/** The processes of a host, by what they are for. */
export interface HostProcesses {
  readonly agent: readonly number[];
  readonly keeper: readonly number[];
  readonly front: readonly number[];
  readonly siteProxies: readonly number[];
}

/** A coordinator and one agent as real processes. */
export interface BenchFleet extends AsyncDisposable {
  /** Those that are live. */
  readonly sites: readonly BenchSite[];
  readonly sharedPort: number;
  readonly agentPid: number;
  /**
   * Adds sites until there are so many, and resolves when each has its release and the host is at its usual pace again: a first
   * release wants eight good rounds of probes, and twenty of them in a row would take half an hour.
   */
  grow(sites: number): Promise<void>;
  /** Applies a changed fleet file; answers with its completed rollouts, rejects when one ends otherwise. */
  change(change: Partial<Pick<BenchFleetShape, "engine" | "version">>): Promise<readonly Rollout[]>;
  processes(): Promise<HostProcesses>;
  /** Kills everything on the host at once, as a power cut does. */
  cutPower(): Promise<void>;
  startAgent(): Promise<void>;
}

const mainFile = fileURLToPath(import.meta.resolve("@sluice/cli/sluice"));
const quickPace = ["--heartbeat", "500ms", "--probe-every", "200ms"];
/** While sites are added: as quick as a small machine can probe them all. */
const growingPace = (sites: number): readonly string[] => ["--probe-every", sites <= 20 ? "1s" : "3s"];
/** 100 sites take their time on a small machine. */
const settledMs = 600_000;
const endedPhases: readonly string[] = ["completed", "reverted", "held", "aborted"];

let fleets = 0;

export async function startBenchFleet(world: BenchWorld, options: BenchFleetOptions): Promise<BenchFleet> {
  fleets += 1;
  const dir = join(world.dir, `f${fleets}`);
  await mkdir(dir);
  const [coordinatorPort = 0, sharedPort = 0, ...ownPorts] = await findFreePorts(2 + (options.sitesMax ?? 1));
  const fleet = new RunningFleet(dir, options, coordinatorPort, sharedPort, ownPorts);
  try {
    await fleet.bringUp();
    return fleet;
  } catch (error) {
    await fleet[Symbol.asyncDispose]();
    throw error;
  }
}

class RunningFleet implements BenchFleet {
  readonly sharedPort: number;
  readonly #dir: string;
  readonly #address: string;
  readonly #hostDir: string;
  readonly #ownPorts: readonly number[];
  readonly #pace: readonly string[];
  readonly #client: CoordinatorClient;
  readonly #processes: ChildProcesses;
  #shape: BenchFleetShape;
  #agentPid = 0;

  constructor(
    dir: string,
    { engine, slots, pace }: BenchFleetOptions,
    coordinatorPort: number,
    sharedPort: number,
    ownPorts: readonly number[],
  ) {
    this.sharedPort = sharedPort;
    this.#dir = dir;
    this.#address = `127.0.0.1:${coordinatorPort}`;
    this.#hostDir = join(dir, "h");
    this.#ownPorts = ownPorts;
    this.#pace = pace === "quick" ? quickPace : [];
    this.#client = openCoordinatorClient(this.#address, "bench");
    this.#processes = new ChildProcesses(dir);
    this.#shape = { engine, sites: [], sharedPort, slots, version: 1 };
  }
  get sites(): readonly BenchSite[] {
    return this.#shape.sites;
  }

  get agentPid(): number {
    return this.#agentPid;
  }

  async bringUp(): Promise<void> {
    await this.#startCoordinator(this.#pace);
    await this.startAgent();
  }

  async #startCoordinator(pace: readonly string[]): Promise<void> {
    const data = join(this.#dir, "coordinator");
    await this.#start("coordinator", ["--data", data, "--listen", this.#address, ...pace]);
    await eventually("the coordinator answers", () => this.#client.listRollouts({ activeOnly: true, limit: 1 }));
  }

  async #restartCoordinator(pace: readonly string[]): Promise<void> {
    await this.#processes.end("coordinator", "SIGTERM");
    await this.#startCoordinator(pace);
  }

  async startAgent(): Promise<void> {
    const options = ["--host", hostName, "--data", this.#hostDir, "--coordinator", this.#address];
    this.#agentPid = await this.#start("agent", [...options, "--no-watchdog"]);
  }

  async grow(count: number): Promise<void> {
    if (this.#pace.length > 0) return this.#add(count);
    await this.#restartCoordinator(growingPace(count));
    await this.#add(count);
    await this.#restartCoordinator(this.#pace);
  }

  async #add(count: number): Promise<void> {
    const known = this.sites.length;
    const sites = this.#ownPorts.slice(0, count).map((port, index) => benchSite(index, port));
    await this.#apply({ ...this.#shape, sites });
    const added = sites.slice(known);
    // They take turns with the front.
    for (const site of added.filter(({ sharedName }) => sharedName !== undefined)) {
      await this.#completed(await this.#deploy(site));
    }
    // Ordered one after another, as a person or a script would; what they start goes on side by side.
    const started: string[] = [];
    for (const site of added.filter(({ sharedName }) => sharedName === undefined)) {
      started.push(...(await this.#deploy(site)));
    }
    await this.#completed(started);
  }

  async change(change: Partial<Pick<BenchFleetShape, "engine" | "version">>): Promise<readonly Rollout[]> {
    return this.#completed(await this.#apply({ ...this.#shape, ...change }));
  }

  async processes(): Promise<HostProcesses> {
    const status = await openKeeper(keeperSocketOf(this.#hostDir)).status();
    const treesOf = (prefix: string): readonly number[] =>
      status.children.flatMap(({ id, pid }) => (id.startsWith(prefix) && pid !== null ? treeOf(pid) : []));
    return {
      agent: [this.#agentPid],
      keeper: [status.pid],
      front: treesOf("front-"),
      siteProxies: treesOf("proxy-"),
    };
  }

  async cutPower(): Promise<void> {
    const { agent, keeper, front, siteProxies } = await this.processes();
    // Who would start others again goes first.
    for (const pid of [...agent, ...keeper, ...front, ...siteProxies]) kill(pid);
    await this.#processes.end("agent", "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
    // The agent first: it would start a keeper again.
    await this.#processes.end("agent", "SIGKILL");
    await this.#processes.end("coordinator", "SIGKILL");
    await stopHost(this.#hostDir);
  }

  async #start(program: "coordinator" | "agent", options: readonly string[]): Promise<number> {
    const args = [mainFile, program, "run", ...options];
    const { pid } = await this.#processes.start({ name: program, args, logFile: join(this.#dir, `${program}.log`) });
    return pid;
  }

  async #apply(shape: BenchFleetShape): Promise<readonly string[]> {
    const files = [{ name: "fleet.yaml", text: benchFleetFile(shape) }];
    const { problems, rolloutIds } = await this.#client.apply({ files, reason: "bench", overrides: [] });
    if (problems.length > 0) throw new Error(`cannot apply the fleet file: ${JSON.stringify(problems)}`);
    this.#shape = shape;
    return rolloutIds;
  }

  /** The rollout that it starts, if any. */
  async #deploy({ name }: BenchSite): Promise<readonly string[]> {
    const unasked = { toEnvironment: undefined, reason: undefined, overrides: [] };
    const { rolloutId } = await this.#client.deploy({ site: name, version: "1", ...unasked });
    return rolloutId === undefined ? [] : [rolloutId];
  }

  /** Asks for one at a time: a hundred that are asked for ten times a second each would be what is measured. */
  async #completed(ids: readonly string[]): Promise<readonly Rollout[]> {
    const rollouts: Rollout[] = [];
    for (const id of ids) rollouts.push(await this.#untilCompleted(id));
    return rollouts;
  }

  async #untilCompleted(id: string): Promise<Rollout> {
    const look = async () => {
      const rollout = await this.#client.getRollout(id);
      return endedPhases.includes(rollout.phase) && rollout;
    };
    const rollout = await eventually(`rollout ${id} ends`, look, { withinMs: settledMs, everyMs: 100 });
    if (rollout.phase === "completed") return rollout;
    throw new Error(`rollout ${id} is ${rollout.phase}: ${rollout.cause?.sentence ?? rollout.statusLine}`);
  }
}
