import { type DurationMs, drainLimitMs, drainNoticeMs, durationMs, formatDuration, rebootReturnMs } from "@sluice/core";
import type { HostStatus } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { renderTable } from "../screen/render-table.ts";
import { say, sayJson, type World } from "../world.ts";
import {
  type CoordinatorOptions,
  duration,
  type FollowingOptions,
  withCoordinator,
  withFollowing,
  withReason,
} from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";
import { leaveOrFollow } from "./started-rollouts.ts";

interface DrainOptions extends CoordinatorOptions {
  readonly reason?: string;
  readonly notice?: DurationMs;
  readonly limit?: DurationMs;
  readonly anyway?: boolean;
}

interface RebootOptions extends CoordinatorOptions, FollowingOptions {
  readonly reason?: string;
  readonly all?: boolean;
  readonly env?: string;
}

/** `sluice host`: who is there, and whether users come to it. */
export function addHostVerbs(program: Command, world: World): void {
  const host = program
    .command("host")
    .description("hosts: who is there, leading users away from one, and rebooting them");
  withCoordinator(host.command("list"))
    .description("every host with its environment, whether it reports, and whether users come to it")
    .addHelpText("after", "\nExample:\n  $ sluice host list")
    .action((options: CoordinatorOptions) =>
      runWithCoordinator(world, options, (client) => listHosts(world, client, options)),
    );
  withReason(withCoordinator(host.command("drain")))
    .description("lead users away from a host: its proxies tell the edge, and no wave touches it until it is undrained")
    .argument("<host>", "its name in the fleet file")
    .option(
      "--notice <duration>",
      `how long the edge may go on sending before it has noticed (default: ${formatDuration(drainNoticeMs)})`,
      duration,
    )
    .option(
      "--limit <duration>",
      `after this long it counts as drained, whoever is left (default: ${formatDuration(drainLimitMs)})`,
      duration,
    )
    .option("--anyway", "although more hosts of a site are unavailable then than maxUnavailable allows")
    .addHelpText("after", '\nExample:\n  $ sluice host drain web-1 --reason "new disk"')
    .action((name: string, options: DrainOptions) =>
      runWithCoordinator(world, options, (client) => drain(world, client, name, options)),
    );
  withReason(withCoordinator(host.command("undrain")))
    .description("let users come to a host again")
    .argument("<host>", "its name in the fleet file")
    .addHelpText("after", "\nExample:\n  $ sluice host undrain web-1")
    .action((name: string, options: DrainOptions) =>
      runWithCoordinator(world, options, (client) => undrain(world, client, name, options)),
    );
  addReboot(host, world);
}

function addReboot(host: Command, world: World): void {
  withReason(withFollowing(withCoordinator(host.command("reboot"))))
    .description("reboot hosts, environment by environment, one of a site at a time: drained before, proven after")
    .argument("[hosts...]", "their names in the fleet file")
    .option("--all", "every host on which something is proven")
    .option("--env <environment>", "only the hosts of this environment")
    .addHelpText(
      "after",
      [
        "",
        "A host reboots itself with the command that its agent was started with (--reboot-command). One that is not back within",
        `${formatDuration(rebootReturnMs)}, proven and healthy, stops the rollout: no other host is let go.`,
        "",
        "Examples:",
        '  $ sluice host reboot web-1 --reason "new disk"',
        '  $ sluice host reboot --all --env production --reason "kernel 6.12.9"',
      ].join("\n"),
    )
    .action((names: readonly string[], options: RebootOptions) =>
      runWithCoordinator(world, options, (client) => reboot(world, client, names, options)),
    );
}

async function reboot(
  world: World,
  client: CoordinatorClient,
  names: readonly string[],
  options: RebootOptions,
): Promise<ExitName> {
  const { all = false, env: environment, reason = "" } = options;
  const { rolloutId } = await client.rebootHosts({ hosts: [...names], all, environment, reason });
  return leaveOrFollow(world, client, [rolloutId], options);
}

async function listHosts(world: World, client: CoordinatorClient, options: CoordinatorOptions): Promise<ExitName> {
  const { hosts } = await client.getStatus({});
  if (options.json === true) {
    const listed = hosts.map(({ observation: _, units: __, generation: ___, ...host }) => host);
    sayJson(world, { hosts: listed });
    return "done";
  }
  say(world, false, renderTable(["HOST", "ENVIRONMENT", "AGENT", "USERS", "WHY"], hosts.map(hostRow)));
  return "done";
}

function hostRow({ host, environment, connected, drain: order }: HostStatus): readonly string[] {
  const agent = connected ? "reports" : "silent";
  if (order === undefined) return [host, environment, agent, "come", "-"];
  const users = order.phase === "drained" ? "drained" : `draining: ${order.sentence}`;
  return [host, environment, agent, users, `${order.by}: ${order.reason}`];
}

async function drain(
  world: World,
  client: CoordinatorClient,
  host: string,
  { reason = "", notice, limit, anyway = false, json }: DrainOptions,
): Promise<ExitName> {
  const order = await client.drainHost({ host, reason, noticeMs: notice ?? 0, limitMs: limit ?? 0, anyway });
  const words = `${host} is being drained, for ${formatDuration(durationMs(order.limitMs))} at most: ${order.sentence}`;
  if (json === true) sayJson(world, { drain: order });
  else say(world, false, `${words}\nfollow it: sluice host list`);
  return "done";
}

async function undrain(
  world: World,
  client: CoordinatorClient,
  host: string,
  { reason = "", json }: DrainOptions,
): Promise<ExitName> {
  await client.undrainHost(host, reason);
  if (json === true) sayJson(world, { undrained: host });
  else say(world, false, `users come to ${host} again`);
  return "done";
}
