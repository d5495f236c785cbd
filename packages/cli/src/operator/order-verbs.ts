import { type DurationMs, durationMs, formatDuration, Problem } from "@sluice/core";
import { parseLocalTime } from "@sluice/core/gates/freeze";
import { isZone } from "@sluice/core/gates/local-time";
import type { Freeze, Mute } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { renderTable } from "../screen/render-table.ts";
import { say, sayJson, type World } from "../world.ts";
import { type CoordinatorOptions, duration, withCoordinator, withReason } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

interface TimedOptions extends CoordinatorOptions {
  readonly reason?: string;
  readonly owner?: string;
  readonly site?: readonly string[];
  readonly environment?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly for?: DurationMs;
  readonly zone?: string;
}

interface HaltOptions extends CoordinatorOptions {
  readonly all?: boolean;
  readonly clear?: boolean;
  readonly reason?: string;
}

/** `sluice freeze`, `mute` and `halt`: what holds for the whole fleet. */
export function addOrderVerbs(program: Command, world: World): void {
  addFreezeVerbs(program.command("freeze").description("times in which no wave starts"), world);
  addMuteVerbs(
    program
      .command("mute")
      .description("alerts that nobody wants to hear for a while; what is still wrong when it ends is told then"),
    world,
  );
  withReason(withCoordinator(program.command("halt")))
    .description("hold every rollout that goes forwards and let nothing new begin, until it is cleared")
    .option("--all", "stop everything that moves forwards; what goes back goes on")
    .option("--clear", "lift it and resume what it held")
    .addHelpText(
      "after",
      '\nExamples:\n  $ sluice halt --all --reason "payment provider is down"\n  $ sluice halt --clear',
    )
    .action((options: HaltOptions) => runWithCoordinator(world, options, (client) => halt(world, client, options)));
}

function addFreezeVerbs(freeze: Command, world: World): void {
  withTimes(withReason(withCoordinator(freeze.command("add"))))
    .description("let no wave start for a while; waves that run go on, and nothing keeps a halt or a revert")
    .argument("<name>", "lower-case letters, digits and hyphens")
    .option("--from <time>", 'when it begins, "2026-12-24 16:00"; now when absent')
    .option("--environment <name...>", "only these environments")
    .addHelpText(
      "after",
      '\nExamples:\n  $ sluice freeze add sale --to "2026-11-30 08:00" --environment production --reason "black friday"\n  $ sluice freeze add network --for 2h --reason "the line is being repaired"',
    )
    .action((name: string, options: TimedOptions) =>
      runWithCoordinator(world, options, (client) => addFreeze(world, client, name, options)),
    );
  withCoordinator(freeze.command("list"))
    .description("freezes of the fleet file and of operators")
    .addHelpText("after", "\nExample:\n  $ sluice freeze list --json")
    .action((options: CoordinatorOptions) =>
      runWithCoordinator(world, options, (client) => listFreezes(world, client, options)),
    );
  withReason(withCoordinator(freeze.command("remove")))
    .description("end a freeze that an operator added; needs --reason")
    .argument("<name>", "as listed")
    .addHelpText("after", '\nExample:\n  $ sluice freeze remove network --reason "the line is back"')
    .action((name: string, options: TimedOptions) =>
      runWithCoordinator(world, options, async (client) => {
        await client.removeFreeze(name, options.reason ?? "");
        return concluded(world, options, { kind: "removed", name }, `freeze ${name} is removed`);
      }),
    );
}

function addMuteVerbs(mute: Command, world: World): void {
  withTimes(withReason(withCoordinator(mute.command("add"))))
    .description("tell nobody of alerts for a while; always with an end and an owner, and checks go on")
    .argument("<name>", "lower-case letters, digits and hyphens")
    .addHelpText(
      "after",
      '\nExample:\n  $ sluice mute add patching --for 2h --owner ops --reason "servers are patched"',
    )
    .action((name: string, options: TimedOptions) =>
      runWithCoordinator(world, options, (client) => addMute(world, client, name, options)),
    );
  withCoordinator(mute.command("list"))
    .description("mutes that have not ended")
    .addHelpText("after", "\nExample:\n  $ sluice mute list")
    .action((options: CoordinatorOptions) =>
      runWithCoordinator(world, options, (client) => listMutes(world, client, options)),
    );
  withCoordinator(mute.command("remove"))
    .description("hear the alerts again")
    .argument("<name>", "as listed")
    .addHelpText("after", "\nExample:\n  $ sluice mute remove patching")
    .action((name: string, options: CoordinatorOptions) =>
      runWithCoordinator(world, options, async (client) => {
        await client.removeMute(name);
        return concluded(world, options, { kind: "removed", name }, `mute ${name} is removed`);
      }),
    );
}

function withTimes(command: Command): Command {
  return command
    .option("--to <time>", 'when it ends, "2026-12-24 16:00" or a date')
    .option("--for <duration>", "how long it holds, instead of --to", duration)
    .option("--zone <name>", "time zone of the times (default: this machine's)")
    .option("--owner <name>", "who answers for it (default: you)")
    .option("--site <site...>", "only these sites");
}

async function addFreeze(
  world: World,
  client: CoordinatorClient,
  name: string,
  options: TimedOptions,
): Promise<ExitName> {
  const zone = zoneOf(options);
  const freeze = await client.addFreeze({
    name,
    reason: options.reason ?? "",
    owner: options.owner ?? world.user,
    environments: [...(options.environment ?? [])],
    sites: [...(options.site ?? [])],
    fromMs: options.from === undefined ? undefined : timeOf(options.from, zone, "start", "--from"),
    toMs: endOf(world, options, zone),
    zone,
  });
  return concluded(world, options, { freeze }, `freeze ${name}: ${freeze.time}${freeze.inForce ? ", in force" : ""}`);
}

async function addMute(
  world: World,
  client: CoordinatorClient,
  name: string,
  options: TimedOptions,
): Promise<ExitName> {
  const mute = await client.addMute({
    name,
    reason: options.reason ?? "",
    owner: options.owner ?? world.user,
    sites: [...(options.site ?? [])],
    toMs: endOf(world, options, zoneOf(options)),
  });
  return concluded(world, options, { mute }, `mute ${name} ends in ${leftWords(world, mute.toMs)}; checks go on`);
}

function zoneOf({ zone }: TimedOptions): string {
  const named = zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (isZone(named)) return named;
  throw new Problem("usage-invalid", `there is no time zone '${named}'`, { hint: "for example --zone Europe/Oslo" });
}

function timeOf(text: string, zone: string, edge: "start" | "end", option: string): number {
  const found = parseLocalTime(text, zone, edge);
  if (found !== undefined) return found;
  throw new Problem("usage-invalid", `${option} '${text}' is no time`, {
    hint: 'write a date, or a date and a time: "2026-12-24 16:00"',
  });
}

function endOf(world: World, options: TimedOptions, zone: string): number {
  if (options.to !== undefined && options.for === undefined) return timeOf(options.to, zone, "end", "--to");
  if (options.for !== undefined && options.to === undefined) return world.now() + options.for;
  throw new Problem("usage-invalid", "an end is needed, by --to or by --for");
}

async function listFreezes(world: World, client: CoordinatorClient, options: CoordinatorOptions): Promise<ExitName> {
  const freezes = await client.listFreezes();
  if (freezes.length === 0) return concluded(world, options, { freezes }, "nothing is frozen, now or later");
  const rows = freezes.map((freeze) => [
    freeze.name,
    stateOf(world, freeze),
    freeze.time,
    extentOf(freeze),
    freeze.owner,
    freeze.reason,
  ]);
  return concluded(world, options, { freezes }, renderTable(["NAME", "STATE", "TIME", "FOR", "OWNER", "REASON"], rows));
}

function stateOf(world: World, { inForce, untilMs }: Freeze): string {
  if (!inForce) return "not now";
  return untilMs === undefined ? "in force" : `in force, ${leftWords(world, untilMs)} left`;
}

function extentOf({ sites, environments }: Pick<Freeze, "sites" | "environments">): string {
  return [...sites, ...environments].join(", ") || "everything";
}

async function listMutes(world: World, client: CoordinatorClient, options: CoordinatorOptions): Promise<ExitName> {
  const mutes = await client.listMutes();
  if (mutes.length === 0) return concluded(world, options, { mutes }, "no alert is muted");
  const row = (mute: Mute): readonly string[] => [
    mute.name,
    `${leftWords(world, mute.toMs)} left`,
    extentOf({ sites: mute.sites, environments: [] }),
    mute.owner,
    mute.reason,
  ];
  return concluded(world, options, { mutes }, renderTable(["NAME", "ENDS", "FOR", "OWNER", "REASON"], mutes.map(row)));
}

async function halt(world: World, client: CoordinatorClient, options: HaltOptions): Promise<ExitName> {
  if ((options.all === true) === (options.clear === true)) {
    throw new Problem("usage-invalid", "either --all or --clear is needed", {
      hint: 'sluice halt --all --reason "…", or for one rollout: sluice rollout pause ROLLOUT',
    });
  }
  if (options.clear === true) {
    const resumed = await client.clearHalt(options.reason);
    return concluded(world, options, { resumed }, `the halt is lifted; ${rolloutCount(resumed)} resumed`);
  }
  const paused = await client.haltAll(options.reason ?? "");
  return concluded(
    world,
    options,
    { paused },
    `everything is halted, ${rolloutCount(paused)} held; lift it: sluice halt --clear`,
  );
}

const rolloutCount = (ids: readonly string[]): string => `${ids.length} ${ids.length === 1 ? "rollout" : "rollouts"}`;

const leftWords = (world: World, untilMs: number): string =>
  formatDuration(durationMs(Math.max(0, untilMs - world.now())));

function concluded(world: World, options: CoordinatorOptions, answer: unknown, words: string): ExitName {
  if (options.json === true) sayJson(world, answer);
  else say(world, false, words);
  return "done";
}
