import { resolve } from "node:path";
import type { Coordinator } from "@sluice/coordinator";
import type { DurationMs } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { readPace } from "@sluice/runtime/clock/pace-variable";
import type { Command } from "commander";
import type { AgentPushOptions } from "../operator/agent-verbs.ts";
import { type CoordinatorOptions, duration, withCoordinator } from "../operator/common-options.ts";
import { defaultCoordinatorAddress } from "../operator/coordinator-address.ts";
import { version } from "../version.ts";
import type { World } from "../world.ts";

interface CoordinatorRunOptions {
  readonly data: string;
  readonly listen: string;
  readonly logFile?: string;
  readonly fleetLock?: string;
  readonly heartbeat?: DurationMs;
  readonly probeEvery?: DurationMs;
  readonly adoptFence?: boolean;
}

interface AgentRunOptions {
  readonly data: string;
  readonly host: string;
  readonly coordinator: string;
  readonly rebootCommand?: string;
  readonly logFile?: string;
  readonly watchdog: boolean;
}

/** `sluice coordinator run` and `sluice agent run`: the long-running programs, started by systemd or by hand. */
export function addRootVerbs(program: Command, world: World): void {
  const coordinator = program.command("coordinator").description("the program that moves rollouts");
  coordinator
    .command("run")
    .description("run a coordinator until SIGTERM; writes its log as JSON lines")
    .requiredOption("--data <folder>", "where it keeps its event log and the releases")
    .option(
      "--listen <host:port>",
      "where agents and operators reach it; port 0 takes any free one",
      defaultCoordinatorAddress,
    )
    .option(
      "--fleet-lock <host:port>",
      "where reboot managers ask (FleetLock protocol, which knows no callers: keep it to those who may), for example 127.0.0.1:7421",
    )
    .option("--heartbeat <duration>", "how often agents speak; handed out to them (default: 2s)", duration)
    .option("--probe-every <duration>", "how often agents probe; handed out to them (default: 10s)", duration)
    .option("--adopt-fence", "lead although agents obeyed a newer history than this data folder knows")
    .option("--log-file <file>", "log there instead of stderr")
    .addHelpText("after", "\nExample:\n  $ sluice coordinator run --data /var/lib/sluice-coordinator")
    .action((options: CoordinatorRunOptions) => runCoordinator(world, options));
  const agent = program.command("agent").description("the program that keeps one host as it should be");
  agent
    .command("run")
    .description("run the agent of a host until SIGTERM; its proxies and sites go on without it")
    .requiredOption("--host <name>", "the host's name in the fleet file")
    .requiredOption("--data <folder>", "where everything of this host is kept")
    .option("--coordinator <host:port>", "where its coordinator listens", defaultCoordinatorAddress)
    .option(
      "--reboot-command <command>",
      'reboots this host when `sluice host reboot` says so, run by /bin/sh, for example "systemctl reboot"; without it such reboots are refused',
    )
    .option("--log-file <file>", "log there instead of stderr")
    .option("--no-watchdog", "run the agent itself in this process; then its version is changed by hand only")
    .addHelpText(
      "after",
      "\nA watchdog starts the agent, starts it again when it crashes, and lets rollouts change its version\n(sluice restart --agents --to VERSION).\n\nExample:\n  $ sluice agent run --host web-1 --data /var/lib/sluice --coordinator 10.0.0.2:7420",
    )
    .action((options: AgentRunOptions) => runAgent(world, options));
  withCoordinator(agent.command("push"))
    .description("pack a version of the agent and of the keeper and upload it; no host runs it by that")
    .argument("<version>", "what `sluice --version` of that program says")
    .argument("<folder>", "what Sluice is installed in")
    .option("--entry <file>", "the file in it that Node is started with", "packages/cli/src/sluice.mjs")
    .addHelpText("after", "\nExample:\n  $ sluice agent push 0.2.0 /opt/sluice-0.2.0")
    .action(async (version: string, folder: string, options: AgentPushOptions) =>
      (await import("../operator/agent-verbs.ts")).pushAgent(world, version, folder, options),
    );
  withCoordinator(agent.command("list"))
    .description("the versions of agent and keeper that were pushed, newest first")
    .addHelpText("after", "\nExample:\n  $ sluice agent list --json")
    .action(async (options: CoordinatorOptions) =>
      (await import("../operator/agent-verbs.ts")).listAgents(world, options),
    );
}

async function runCoordinator(world: World, options: CoordinatorRunOptions): Promise<void> {
  const listen = parseAddress(options.listen, "--listen");
  const [{ startCoordinator }, { createIds }, { rootClock }, { runUntilStopped }] = await Promise.all([
    import("@sluice/coordinator"),
    import("@sluice/runtime"),
    import("./root-clock.ts"),
    import("./run-until-stopped.ts"),
  ]);
  await runUntilStopped<Coordinator>(world, {
    name: "coordinator",
    logFile: options.logFile,
    refusalOf: (running) => running.refusal,
    start: async (log) => {
      const clock = rootClock({ env: world.env, coordinatorHost: listen.host, log });
      return startCoordinator({
        dataDir: resolve(world.cwd, options.data),
        listen,
        clock,
        ids: createIds(clock),
        log,
        user: world.user,
        ...(options.fleetLock === undefined ? {} : { fleetLock: parseAddress(options.fleetLock, "--fleet-lock") }),
        adoptFence: options.adoptFence === true,
        ...(options.heartbeat === undefined ? {} : { heartbeatMs: options.heartbeat }),
        ...(options.probeEvery === undefined ? {} : { probeEveryMs: options.probeEvery }),
      });
    },
  });
}

async function runAgent(world: World, options: AgentRunOptions): Promise<void> {
  // A fleet whose clock is paced tries other deadlines than the watchdog's, which are of this world.
  const isWatched = options.watchdog && readPace(world.env) === undefined;
  if (isWatched && world.watchdog === undefined) world.becomeWatchdog?.(resolve(world.cwd, options.data));
  const [{ startAgent }, { createIds }, { rootClock }, { runUntilStopped }] = await Promise.all([
    import("@sluice/agent"),
    import("@sluice/runtime"),
    import("./root-clock.ts"),
    import("./run-until-stopped.ts"),
  ]);
  if (options.rebootCommand?.trim() === "") {
    throw new Problem("usage-invalid", "cannot run an agent whose --reboot-command is empty", {
      hint: 'leave it out, or give a command: --reboot-command "systemctl reboot"',
    });
  }
  world.startOverCompiled?.();
  await runUntilStopped(world, {
    name: "agent",
    logFile: options.logFile,
    start: async (log) => {
      const clock = rootClock({ env: world.env, coordinatorHost: hostOf(options.coordinator), log });
      return startAgent({
        host: options.host,
        dataDir: resolve(world.cwd, options.data),
        coordinator: options.coordinator,
        version,
        clock,
        ids: createIds(clock),
        log,
        ...(options.rebootCommand === undefined ? {} : { rebootCommand: options.rebootCommand }),
        ...(world.watchdog === undefined ? {} : { watchdog: world.watchdog }),
      });
    },
  });
}

/** Where a coordinator is, of `host:port` or `[address]:port`; whether it is there is found out by asking it. */
const hostOf = (address: string): string => address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");

/** `host:port` or `[address]:port`. Throws `usage-invalid`. */
export function parseAddress(text: string, option: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new Problem("usage-invalid", `cannot listen on '${text}': ${option} wants HOST:PORT`, {
    hint: `for example ${option} ${defaultCoordinatorAddress}`,
  });
}
