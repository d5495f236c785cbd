import { Problem } from "@sluice/core";
import type { FleetChange, FleetProblem, PlanResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { say, sayJson, type World } from "../world.ts";
import {
  type CoordinatorOptions,
  type FollowingOptions,
  type OverridingOptions,
  overridesOf,
  withCoordinator,
  withFollowing,
  withOverrides,
} from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { readFleetFiles } from "./read-fleet-files.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";
import { leaveOrFollow } from "./started-rollouts.ts";

interface PlanOptions extends CoordinatorOptions {
  readonly file: string;
}

interface ApplyOptions extends PlanOptions, FollowingOptions, OverridingOptions {
  readonly yes?: boolean;
}

/** `sluice plan` and `sluice apply`: the difference between a fleet file and the fleet, and making it so. */
export function addFleetVerbs(program: Command, world: World): void {
  withFile(withCoordinator(program.command("plan")))
    .description("show what a fleet file would change; exit code 3 when it would change something")
    .addHelpText("after", "\nExamples:\n  $ sluice plan\n  $ sluice plan -f fleet/ --json")
    .action((options: PlanOptions) => runWithCoordinator(world, options, (client) => plan(world, client, options)));
  withFile(withOverrides(withFollowing(withCoordinator(program.command("apply")))))
    .description("make a fleet file the desired state and follow the rollouts that takes")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      '\nExamples:\n  $ sluice apply\n  $ sluice apply -f fleet.yaml --yes --timeout 30m\n  $ sluice apply --yes --skip-probes-before --reason "the probe path does not exist yet"',
    )
    .action((options: ApplyOptions) => runWithCoordinator(world, options, (client) => apply(world, client, options)));
}

function withFile(command: Command): Command {
  return command.option("-f, --file <file-or-folder>", "the fleet file, or a folder of them", "fleet.yaml");
}

async function plan(world: World, client: CoordinatorClient, options: PlanOptions): Promise<ExitName> {
  const files = await readFleetFiles(world.cwd, options.file);
  const answer = await client.plan({ files });
  if (options.json === true) sayJson(world, answer);
  else showPlan(world, answer);
  if (answer.problems.length > 0) return "usage";
  return changesAnything(answer) ? "changesPending" : "done";
}

async function apply(world: World, client: CoordinatorClient, options: ApplyOptions): Promise<ExitName> {
  const json = options.json === true;
  const overrides = overridesOf(options);
  if (options.yes !== true && !world.canAsk) throw nobodyToAsk();
  const files = await readFleetFiles(world.cwd, options.file);
  if (options.yes !== true) {
    const planned = await client.plan({ files });
    showPlan(world, planned, json);
    if (planned.problems.length > 0) return "usage";
    if (!changesAnything(planned)) return "done";
    if (!/^y(es)?$/i.test((await world.ask("Apply this? [y/N] ")).trim())) {
      say(world, json, "nothing was changed");
      return "failed";
    }
  }
  const answer = await client.apply({ files, reason: options.reason, overrides });
  if (json) sayJson(world, { kind: "applied", ...answer });
  if (answer.problems.length > 0) {
    showProblems(world, answer.problems);
    return "usage";
  }
  if (options.yes === true) {
    showChanges(world, answer.changes, json);
    showGates(world, answer.gates, json);
  }
  if (answer.rolloutIds.length === 0) {
    if (answer.changes.length > 0) say(world, json, "applied; nothing live changes, so there is nothing to roll out");
    return "done";
  }
  return leaveOrFollow(world, client, answer.rolloutIds, options);
}

function nobodyToAsk(): Problem {
  return new Problem("usage-invalid", "cannot ask whether to apply: this is not a terminal", {
    hint: "add --yes to apply without being asked, or look first: sluice plan",
  });
}

const changesAnything = (answer: PlanResponse): boolean => answer.changes.length > 0 || answer.rollouts.length > 0;

function showPlan(world: World, answer: PlanResponse, json = false): void {
  if (answer.problems.length > 0) {
    showProblems(world, answer.problems);
    return;
  }
  showChanges(world, answer.changes, json);
  for (const title of answer.rollouts) say(world, json, `rollout: ${title}`);
  showGates(world, answer.gates, json);
}

/** What every rollout would wait for, whatever it brings. */
function showGates(world: World, gates: readonly string[], json: boolean): void {
  for (const sentence of gates) say(world, json, `gate: ${sentence}`);
}

function showChanges(world: World, changes: readonly FleetChange[], json: boolean): void {
  if (changes.length === 0) say(world, json, "nothing to change");
  for (const change of changes) {
    const hosts = change.hosts.length === 0 ? "" : ` (live on ${change.hosts.join(", ")})`;
    say(world, json, `~ ${change.sentence}${hosts}`);
  }
}

function showProblems(world: World, problems: readonly FleetProblem[]): void {
  for (const problem of problems) {
    const hint = problem.hint === undefined ? "" : `\n  hint: ${problem.hint}`;
    const path = problem.path === "" ? "" : `${problem.path}: `;
    world.stderr.write(`${problem.file}:${problem.line}:${problem.column}: ${path}${problem.sentence}${hint}\n`);
  }
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  world.stderr.write(`${world.colors.red("error:")} ${count} in the fleet file; nothing was changed\n`);
}
