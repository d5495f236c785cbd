import { setTimeout as delay } from "node:timers/promises";
import type { GetStatusResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { sampleFolder, titleOf } from "../dev/sample-releases.ts";
import type { DevFleet } from "../dev/start-dev-fleet.ts";
import { type Load, startLoad } from "../load/start-load.ts";
import type { CoordinatorClient } from "../operator/coordinator-client.ts";
import type { World } from "../world.ts";
import type { CommandResult } from "./run-command.ts";
import { runVerb } from "./run-verb.ts";

/** What scenes have at hand: the fleet, the command line, the load, and eyes. */
export interface DemoStage {
  readonly fleet: DevFleet;
  /** Aborts at the scene's deadline. */
  readonly signal: AbortSignal;
  tell(sentence: string): void;
  /** Runs the real command line and prints it together with what it says. */
  sluice(...args: readonly string[]): Promise<CommandResult>;
  /** `sluice release push` of a sample release. */
  push(version: string): Promise<CommandResult>;
  /** A load on all ways in, or on those of one environment; ended with the scene at the latest. */
  startLoad(options?: StageLoad): Load;
  /** What every unit runs, by host and unit; see {@link Snapshot}. */
  snapshot(): Promise<Snapshot>;
  status(): Promise<GetStatusResponse>;
  newestRollout(): Promise<Rollout>;
  rollout(id: string): Promise<Rollout>;
  /** Blocks of ten seconds in which the shop had users, on the way of these hosts that has fewest. */
  blocksWithUsers(hosts: readonly string[]): Promise<number>;
  /** Polls until `isTrue` answers yes. Rejects at the scene's deadline. */
  until(what: string, isTrue: () => Promise<boolean>): Promise<void>;
}

/** `web-1 site:shop` → digest, slot, pid and start of what runs, by the process's own report. */
export type Snapshot = ReadonlyMap<string, string>;

export interface StageLoad {
  readonly environment?: string;
  readonly requestsPerSecond?: number;
}

export interface StageOptions {
  readonly world: World;
  readonly fleet: DevFleet;
  readonly client: CoordinatorClient;
  readonly signal: AbortSignal;
}

/** Both ways in, all hosts: five ways, so thirty requests a second on each. */
const usualPerSecond = 150;

const pollMs = 50;

export function createStage(options: StageOptions): DemoStage & AsyncDisposable {
  const { world, fleet, client, signal } = options;
  const { layout } = fleet;
  const print = (line: string): void => world.stdout.write(`${line}\n`);
  const loads: Load[] = [];
  const stage: DemoStage & AsyncDisposable = {
    fleet,
    signal,
    tell: (sentence) => print(`${world.clock(world.now())}  ${sentence}`),
    sluice: async (...args) => {
      print(`${world.clock(world.now())}  ${world.colors.bold(`$ sluice ${args.map(quoted).join(" ")}`)}`);
      const result = await runVerb(args, world, {
        coordinator: layout.coordinator,
        cwd: layout.dir,
        env: { ...world.env, ...fleet.env },
        signal,
        onLine: (line) => print(world.colors.dim(`            ${line}`)),
      });
      print(`${world.clock(world.now())}  exit code ${result.exit}`);
      return result;
    },
    push: (version) =>
      stage.sluice("release", "push", "shop", version, sampleFolder(layout.dir, { site: "shop", version })),
    startLoad: ({ environment, requestsPerSecond = usualPerSecond } = {}) => {
      const load = startLoad({ targets: targetsOf(fleet, environment), requestsPerSecond });
      loads.push(load);
      return load;
    },
    snapshot: async () => snapshotOf(await client.getStatus({})),
    status: () => client.getStatus({}),
    newestRollout: async () => {
      const [newest] = await client.listRollouts({ activeOnly: false, limit: 1 });
      if (newest === undefined) throw new Error("there is no rollout");
      return newest;
    },
    rollout: (id) => client.getRollout(id),
    blocksWithUsers: async (hosts) => {
      const answers = await Promise.all(hosts.map((host) => client.getHealth({ site: "shop", host })));
      const ways = answers.flatMap((answer) => answer.hosts.flatMap(({ traffic }) => traffic));
      const blocks = ways.map(({ history }) => (history?.blocks ?? 0) - (history?.quietBlocks ?? 0));
      return blocks.length === 0 ? 0 : Math.min(...blocks);
    },
    until: async (what, isTrue) => {
      while (!(await isTrue().catch(() => false))) {
        if (signal.aborted) throw new Error(`${what} did not happen in time`);
        await delay(pollMs);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(loads.map((load) => load.stop()));
    },
  };
  return stage;
}

const quoted = (word: string): string => (/^[\w./:=-]+$/.test(word) ? word : JSON.stringify(word));

/** Through each edge under the public name, and straight to each host under the internal one. */
function targetsOf({ layout }: DevFleet, only?: string): Parameters<typeof startLoad>[0]["targets"] {
  const contains = titleOf("shop");
  const environments = layout.environments.filter(({ name }) => only === undefined || name === only);
  const edges = environments.map((environment) => {
    const [first, ...others] = environment.hosts;
    const host = first !== undefined && others.length === 0 ? { host: first } : {};
    return {
      origin: environment.edge,
      hostName: environment.publicName,
      way: `edge of ${environment.name}`,
      contains,
      ...host,
    };
  });
  const listeners = environments.flatMap(({ name, internalName }) =>
    layout.hosts
      .filter((host) => host.environment === name)
      .map((host) => ({
        origin: `http://127.0.0.1:${host.sharedPort}`,
        hostName: internalName,
        way: "listener",
        host: host.name,
        contains,
      })),
  );
  return [...edges, ...listeners];
}

function snapshotOf(status: GetStatusResponse): Snapshot {
  return new Map(
    status.hosts.flatMap(({ host, observation }) =>
      (observation?.units ?? []).map((unit): [string, string] => {
        const { running } = unit;
        if (running === undefined) return [`${host} ${unit.unit}`, "nothing"];
        const slot = running.slot === undefined ? "" : `, ${running.slot}`;
        return [`${host} ${unit.unit}`, `${running.digest}${slot}, pid ${running.pid}, since ${running.startedAtMs}`];
      }),
    ),
  );
}

/** Units that do not run what they ran, in sentences. */
export function differences(before: Snapshot, after: Snapshot): readonly string[] {
  return [...before].flatMap(([key, was]) => {
    const is = after.get(key) ?? "not reported";
    return is === was ? [] : [`${key} ran ${was} before and ${is} after`];
  });
}
