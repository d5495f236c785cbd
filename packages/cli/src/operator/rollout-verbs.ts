import { type DurationMs, gateNames, type OperatorVerb } from "@sluice/core";
import { fromWireEvidenceRow } from "@sluice/protocol";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { Argument, type Command, Option } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { renderEvidence } from "../screen/render-evidence.ts";
import { renderTable } from "../screen/render-table.ts";
import { rolloutView } from "../screen/rollout-view.ts";
import { clausesMax, endingOf, firstClauses, shortId } from "../screen/rollout-words.ts";
import { say, sayJson, type World } from "../world.ts";
import { type CoordinatorOptions, duration, wholeNumber, withCoordinator, withReason } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { followRollouts } from "./follow-rollouts.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

interface ListOptions extends CoordinatorOptions {
  readonly active?: boolean;
  readonly site?: string;
  readonly limit: number;
}

interface ShowOptions extends CoordinatorOptions {
  readonly allStrata?: boolean;
}

interface WaitOptions extends CoordinatorOptions {
  readonly for?: Milestone;
  readonly timeout?: DurationMs;
}

interface CommandOptions extends CoordinatorOptions {
  readonly reason?: string;
  readonly role?: string;
}

/** What `rollout wait --for` may wait for. */
const milestones = [
  "ended",
  "completed",
  "observing",
  "approval",
  "paused",
  "halted",
  "reverted",
  "held",
  "aborted",
] as const;
type Milestone = (typeof milestones)[number];

const commands: Readonly<Record<OperatorVerb, string>> = {
  promote: "end the soak of the current wave now",
  approve: "give an approval that the next environment waits for",
  ack: "acknowledge that somebody on call watches; holds for a while",
  pause: "hold it where it is; no further host is touched",
  resume: "go on after a pause",
  abort: "end it; what was not proven yet is withdrawn",
  revert: "go back to what was proven before it; one that is one-way takes the role approver",
  keep: "end it while it is held: what is live on trial stays and counts as proven; takes the role approver",
};

/** Verbs that switch something off or turn something back say why. */
const wantsReason: readonly OperatorVerb[] = ["pause", "abort", "revert", "keep"];

/** `sluice rollout …`: looking at rollouts and steering them. */
export function addRolloutVerbs(program: Command, world: World): void {
  const rollout = program.command("rollout").description("list, watch and steer rollouts");
  withCoordinator(rollout.command("list"))
    .description("rollouts, newest first")
    .option("--active", "only those that have not ended")
    .option("--site <site>", "only those of one site")
    .option("--limit <count>", "how many", wholeNumber, 20)
    .addHelpText("after", "\nExample:\n  $ sluice rollout list --active --json")
    .action((options: ListOptions) => runWithCoordinator(world, options, (client) => list(world, client, options)));
  withCoordinator(rollout.command("show"))
    .description(
      "one rollout: waves, steps, gates, what it waits for, why it was stopped, and the rows of evidence of its verdict, if there are any",
    )
    .argument("<id>", "as printed when it started")
    .option("--all-strata", "a row for what is fine as well")
    .addHelpText("after", "\nExamples:\n  $ sluice rollout show r-12\n  $ sluice rollout show r-12 --all-strata")
    .action((id: string, options: ShowOptions) =>
      runWithCoordinator(world, options, (client) => show(world, client, id, options)),
    );
  addWatchVerbs(rollout, world);
  addOverrideVerb(rollout, world);
  for (const verb of Object.keys(commands) as OperatorVerb[]) addCommandVerb(rollout, world, verb);
}

function addWatchVerbs(rollout: Command, world: World): void {
  withCoordinator(rollout.command("watch"))
    .description("follow a rollout to its end")
    .argument("<id>", "as printed when it started")
    .option("--timeout <duration>", "leave with exit code 4 when it has not ended by then", duration)
    .addHelpText("after", "\nExample:\n  $ sluice rollout watch r-12")
    .action((id: string, options: WaitOptions) =>
      runWithCoordinator(world, options, (client) => wait(world, client, id, options)),
    );
  withCoordinator(rollout.command("wait"))
    .description("wait until a rollout has come to a point, for scripts")
    .argument("<id>", "as printed when it started")
    .addOption(new Option("--for <point>", "what to wait for").choices(milestones).default("ended"))
    .option("--timeout <duration>", "leave with exit code 4, naming what it waits for", duration)
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice rollout wait r-12 --for completed --timeout 1h\n  $ sluice rollout wait r-12 --for approval --timeout 10m && sluice rollout approve r-12",
    )
    .action((id: string, options: WaitOptions) =>
      runWithCoordinator(world, options, (client) => wait(world, client, id, options)),
    );
}

function addOverrideVerb(rollout: Command, world: World): void {
  withReason(withCoordinator(rollout.command("override")))
    .description("open a gate for the wave that waits for it; needs --reason, is recorded and shown for ever")
    .argument("<id>", "as printed when it started")
    .addArgument(new Argument("<gate>", "the gate that is closed").choices(gateNames))
    .addHelpText("after", '\nExample:\n  $ sluice rollout override r-12 window --reason "the shop is down"')
    .action((id: string, gate: string, options: CommandOptions) =>
      runWithCoordinator(world, options, (client) => override(world, client, { id, gate }, options)),
    );
}

function addCommandVerb(rollout: Command, world: World, verb: OperatorVerb): void {
  const command = withReason(withCoordinator(rollout.command(verb)))
    .description(commands[verb])
    .argument("<id>", "as printed when it started");
  if (verb === "approve") command.option("--role <role>", "the role in which it is approved");
  const reason = wantsReason.includes(verb) ? ' --reason "…"' : "";
  command
    .addHelpText("after", `\nExample:\n  $ sluice rollout ${verb} r-12${reason}`)
    .action((id: string, options: CommandOptions) =>
      runWithCoordinator(world, options, (client) => steer(world, client, { id, verb }, options)),
    );
}

async function override(
  world: World,
  client: CoordinatorClient,
  order: { readonly id: string; readonly gate: string },
  options: CommandOptions,
): Promise<ExitName> {
  const json = options.json === true;
  const rollout = await client.overrideGate({ ...order, reason: options.reason ?? "" });
  if (json) sayJson(world, { rollout });
  say(world, json, `${rollout.id}: the gate ${order.gate} is overridden; ${rollout.statusLine}`);
  return "done";
}

async function list(world: World, client: CoordinatorClient, options: ListOptions): Promise<ExitName> {
  const rollouts = await client.listRollouts({
    activeOnly: options.active === true,
    site: options.site,
    limit: options.limit,
  });
  if (options.json === true) sayJson(world, { rollouts });
  else if (rollouts.length === 0)
    say(world, false, options.active === true ? "no rollout is under way" : "no rollout yet");
  else {
    const rows = rollouts.map((rollout) => [
      shortId(rollout.id),
      rollout.phase,
      rollout.title,
      rollout.by,
      firstClauses(rollout.statusLine, clausesMax),
    ]);
    say(world, false, renderTable(["ID", "PHASE", "WHAT", "BY", "STATUS"], rows));
  }
  return "done";
}

async function show(world: World, client: CoordinatorClient, id: string, options: ShowOptions): Promise<ExitName> {
  const rollout = await client.getRollout(id);
  if (options.json === true) sayJson(world, { rollout });
  else say(world, false, shownRollout(world, rollout, options.allStrata === true));
  return "done";
}

function shownRollout(world: World, rollout: Rollout, allStrata: boolean): string {
  const columns = world.stdout.isTerminal ? (world.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
  const shape = { nowMs: world.now(), columns, colors: world.colors };
  const evidence = renderEvidence(rollout.evidence.map(fromWireEvidenceRow), { ...shape, allStrata });
  return [rolloutView(rollout, shape), ...(evidence === "" ? [] : [evidence])].join("\n\n");
}

async function wait(world: World, client: CoordinatorClient, id: string, options: WaitOptions): Promise<ExitName> {
  const milestone = options.for ?? "ended";
  return followRollouts(world, client, [id], {
    json: options.json === true,
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    ...(milestone === "ended" ? {} : { until: (rollout: Rollout) => hasReached(rollout, milestone) }),
  });
}

/** A point that was passed counts as reached only where the rollout can't be in it again. */
function hasReached(rollout: Rollout, milestone: Exclude<Milestone, "ended">): boolean {
  switch (milestone) {
    case "approval":
      return rollout.waitingOn.some((waiting) => waiting.kind === "approval");
    case "halted":
      return rollout.cause !== undefined;
    default:
      return rollout.phase === milestone;
  }
}

export async function steer(
  world: World,
  client: CoordinatorClient,
  order: { readonly id: string; readonly verb: OperatorVerb },
  options: CommandOptions,
): Promise<ExitName> {
  const json = options.json === true;
  const answer = await client.commandRollout({ ...order, reason: options.reason, role: options.role });
  if (json) sayJson(world, answer);
  const { rollout, newRolloutId } = answer;
  if (newRolloutId !== undefined) {
    say(world, json, `${order.id} has ended; ${newRolloutId} reverts it: sluice rollout watch ${newRolloutId}`);
  } else if (rollout !== undefined) {
    const next = endingOf(rollout) === undefined ? `; follow it: sluice rollout watch ${rollout.id}` : "";
    say(world, json, `${rollout.id}: ${rollout.statusLine}${next}`);
  }
  return "done";
}
