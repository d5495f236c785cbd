import { Problem } from "@sluice/core";
import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { say, sayJson, type World } from "../world.ts";
import {
  type CoordinatorOptions,
  type FollowingOptions,
  type OverridingOptions,
  oneWayHelp,
  overridesOf,
  withCoordinator,
  withFollowing,
  withOverrides,
  withReason,
} from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";
import { leaveOrFollow } from "./started-rollouts.ts";

interface DeployOptions extends CoordinatorOptions, FollowingOptions, OverridingOptions {
  readonly to?: string;
  readonly oneWay?: string;
}

interface RestartOptions extends CoordinatorOptions, FollowingOptions {
  readonly to?: string;
  readonly reason?: string;
  readonly proxies?: boolean;
  readonly agents?: boolean;
  readonly keepers?: boolean;
  readonly env?: string;
}

/** `sluice deploy` and `sluice restart`: rollouts that need no change of the fleet file. */
export function addDeployVerbs(program: Command, world: World): void {
  withOverrides(withFollowing(withCoordinator(program.command("deploy"))))
    .description("roll a pushed release out, environment by environment")
    .argument("<site>", "a site of the fleet file")
    .argument("<version>", "a version pushed with `sluice release push`")
    .option("--to <environment>", "the last environment to reach (default: all)")
    .option("--one-way <why>", oneWayHelp)
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice deploy shop 2.4.0\n  $ sluice deploy shop 2.4.0 --to acceptance --timeout 20m\n  $ sluice deploy shop 2.4.0 --detach --json",
    )
    .action((site: string, version: string, options: DeployOptions) =>
      runWithCoordinator(world, options, (client) => deploy(world, client, { site, version, options })),
    );
  withReason(withFollowing(withCoordinator(program.command("restart"))))
    .description("restart a site's slots, proxies, agents or keepers, host by host without a lost request")
    .argument("[site]", "a site of the fleet file")
    .option("--proxies", "restart its proxy instead; without a site: all proxies and fronts")
    .option(
      "--agents",
      "restart the agents instead; with --to VERSION as that version, on trial until it has proved itself",
    )
    .option(
      "--keepers",
      "the same with the keepers, which hand over to each other: nothing that they keep is restarted",
    )
    .option("--to <environment>", "the last environment to reach (default: all); of --agents and --keepers the version")
    .option("--env <environment>", "of --agents and --keepers the last environment to reach (default: all)")
    .addHelpText(
      "after",
      '\nExamples:\n  $ sluice restart shop\n  $ sluice restart --proxies --reason "new certificates"\n  $ sluice restart --agents --to 0.2.0\n  $ sluice restart --keepers --to 0.2.0',
    )
    .action((site: string | undefined, options: RestartOptions) =>
      runWithCoordinator(world, options, (client) => restart(world, client, site, options)),
    );
}

async function deploy(
  world: World,
  client: CoordinatorClient,
  asked: { readonly site: string; readonly version: string; readonly options: DeployOptions },
): Promise<ExitName> {
  const { site, version, options } = asked;
  const { to: toEnvironment, reason, oneWay } = options;
  const json = options.json === true;
  const overrides = overridesOf(options);
  const answer = await client.deploy({ site, version, toEnvironment, reason, overrides, oneWay });
  if (answer.rolloutId === undefined) {
    say(world, json, `${site} ${version} runs on every host already, proven; nothing to do`);
    if (json) sayJson(world, { kind: "result", exit: "done", rollouts: [] });
    return "done";
  }
  return leaveOrFollow(world, client, [answer.rolloutId], options);
}

async function restart(
  world: World,
  client: CoordinatorClient,
  site: string | undefined,
  options: RestartOptions,
): Promise<ExitName> {
  const json = options.json === true;
  assertRestartable(site, options);
  const { agents = false, keepers = false, proxies = false, reason, to, env } = options;
  const isProgram = agents || keepers;
  const answer = await client.restart({
    ...{ site, proxies, agents, keepers, reason },
    ...(isProgram ? { agentVersion: to, toEnvironment: env } : { agentVersion: undefined, toEnvironment: to }),
  });
  if (answer.rolloutIds.length === 0 && isProgram && to !== undefined) {
    say(world, json, `${agents ? "agent" : "keeper"} ${to} runs on every host already, proven; nothing to do`);
    if (json) sayJson(world, { kind: "result", exit: "done", rollouts: [] });
    return "done";
  }
  if (answer.rolloutIds.length === 0) {
    say(world, json, "nothing runs that could be restarted");
    if (json) sayJson(world, { kind: "result", exit: "done", rollouts: [] });
    return "done";
  }
  return leaveOrFollow(world, client, answer.rolloutIds, options);
}

function assertRestartable(site: string | undefined, { agents, keepers, proxies, env }: RestartOptions): void {
  const [program, ...others] = [...(agents === true ? ["--agents"] : []), ...(keepers === true ? ["--keepers"] : [])];
  if (program !== undefined && (site !== undefined || proxies === true || others.length > 0)) {
    throw new Problem(
      "usage-invalid",
      `cannot restart: ${program} goes with neither a site nor --proxies nor ${program === "--agents" ? "--keepers" : "--agents"}`,
      { hint: `sluice restart ${program}, or sluice restart ${program} --to VERSION` },
    );
  }
  if (program === undefined && env !== undefined) {
    throw new Problem("usage-invalid", "cannot restart: --env goes with --agents and --keepers only", {
      hint: "sluice restart SITE --to ENVIRONMENT",
    });
  }
  if (site !== undefined || proxies === true || program !== undefined) return;
  throw new Problem("usage-invalid", "cannot restart: neither a site nor --proxies, --agents or --keepers is given", {
    hint: "sluice restart SITE, sluice restart SITE --proxies, sluice restart --proxies, sluice restart --agents, or sluice restart --keepers",
  });
}
