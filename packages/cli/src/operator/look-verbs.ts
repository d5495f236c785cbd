import type { DurationMs } from "@sluice/core";
import type { ProbeResponse, WatchEventsResponse } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { renderHealth } from "../screen/render-health.ts";
import { renderProbe } from "../screen/render-probe.ts";
import { renderStatus } from "../screen/render-status.ts";
import { say, sayJson, type World } from "../world.ts";
import { type CoordinatorOptions, duration, wholeNumber, withCoordinator } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

interface ProbeOptions extends CoordinatorOptions {
  readonly host?: string;
}

interface StatusOptions extends CoordinatorOptions {
  readonly site?: string;
  readonly host?: string;
  readonly units?: boolean;
}

interface HealthOptions extends CoordinatorOptions {
  readonly host?: string;
  readonly env?: string;
}

interface EventsOptions extends CoordinatorOptions {
  readonly after: number;
  readonly follow?: boolean;
  readonly since?: DurationMs;
  readonly rollout?: string;
  readonly host?: string;
}

/** `sluice status`, `sluice health`, `sluice probe` and `sluice events`: looking without changing anything. */
export function addLookVerbs(program: Command, world: World): void {
  withCoordinator(program.command("status"))
    .description("what runs of every site on every host, and why what is not as desired is not")
    .option("--site <site>", "only units of one site")
    .option("--host <host>", "only one host, with a row for every unit")
    .option("--units", "a row for every unit: desired, installed, running and proven")
    .addHelpText(
      "after",
      "\nExamples:\n  $ sluice status\n  $ sluice status --units --site shop\n  $ sluice status --json",
    )
    .action((options: StatusOptions) => runWithCoordinator(world, options, (client) => status(world, client, options)));
  withCoordinator(program.command("health"))
    .description(
      "what users of a site were answered and how its probes went, on every host: newest minutes and the last day",
    )
    .argument("<site>", "a site of the fleet file")
    .option("--host <host>", "only one host")
    .option("--env <environment>", "only hosts of one environment")
    .addHelpText("after", "\nExamples:\n  $ sluice health shop\n  $ sluice health shop --env production --json")
    .action((site: string, options: HealthOptions) =>
      runWithCoordinator(world, options, (client) => health(world, client, site, options)),
    );
  withCoordinator(program.command("probe"))
    .description("ask every binding of a site under its own name on every hop, now; exit code 1 when one is bad")
    .argument("<site>", "a site of the fleet file")
    .option("--host <host>", "only one host")
    .addHelpText("after", "\nExample:\n  $ sluice probe shop --host web-1")
    .action((site: string, options: ProbeOptions) =>
      runWithCoordinator(world, options, (client) => probe(world, client, site, options)),
    );
  withCoordinator(program.command("events"))
    .description("the event log: every command, decision and observation that changed something")
    .option("--after <seq>", "only what came after this sequence number", wholeNumber, 0)
    .option("--follow", "stay and print what happens")
    .option("--since <duration>", "only what is younger, for example 2d", duration)
    .option("--rollout <id>", "only one rollout")
    .option("--host <host>", "only one host")
    .addHelpText("after", "\nExamples:\n  $ sluice events --since 1h\n  $ sluice events --follow --json")
    .action((options: EventsOptions) => runWithCoordinator(world, options, (client) => events(world, client, options)));
}

async function status(world: World, client: CoordinatorClient, options: StatusOptions): Promise<ExitName> {
  const answer = await client.getStatus({ site: options.site, host: options.host });
  if (options.json === true) sayJson(world, answer);
  else {
    const columns = world.stdout.isTerminal ? (world.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
    const isByUnit = options.units === true || options.host !== undefined;
    const { colors } = world;
    const clock = (atMs: number): string => world.clock(atMs);
    say(world, false, renderStatus(answer, { nowMs: world.now(), columns, clock, colors, isByUnit }));
  }
  return "done";
}

async function health(
  world: World,
  client: CoordinatorClient,
  site: string,
  options: HealthOptions,
): Promise<ExitName> {
  const answer = await client.getHealth({ site, host: options.host });
  const hosts = answer.hosts.filter(({ environment }) => options.env === undefined || environment === options.env);
  const shown = { ...answer, hosts };
  if (options.json === true) sayJson(world, shown);
  else say(world, false, renderHealth(shown, world.colors));
  return "done";
}

async function probe(world: World, client: CoordinatorClient, site: string, options: ProbeOptions): Promise<ExitName> {
  const stop = new AbortController();
  using _interrupt = world.onInterrupt(() => stop.abort());
  const answers: ProbeResponse[] = [];
  for await (const answer of client.probe({ site, host: options.host }, stop.signal)) {
    answers.push(answer);
    if (options.json === true) sayJson(world, answer);
  }
  if (options.json !== true) {
    say(world, false, answers.length === 0 ? `no host carries the site ${site}` : renderProbe(answers, world.colors));
  }
  if (stop.signal.aborted) return "failed";
  return probeExit(answers);
}

/** Silence is no success: a host that did not answer is not good. */
function probeExit(answers: readonly ProbeResponse[]): ExitName {
  const outcomes = answers.flatMap((answer) => answer.results.map((result) => result.outcome?.$case));
  if (outcomes.includes("bad")) return "failed";
  if (answers.length === 0 || answers.some((answer) => answer.refusal !== undefined)) return "unreachable";
  return outcomes.includes("good") ? "done" : "failed";
}

async function events(world: World, client: CoordinatorClient, options: EventsOptions): Promise<ExitName> {
  const stop = new AbortController();
  using _interrupt = world.onInterrupt(() => stop.abort());
  const oldestMs = options.since === undefined ? 0 : world.now() - options.since;
  for await (const event of client.watchEvents(
    { afterSeq: options.after, follow: options.follow === true },
    stop.signal,
  )) {
    if (event.atMs < oldestMs) continue;
    if (options.rollout !== undefined && event.rolloutId !== options.rollout) continue;
    if (options.host !== undefined && event.host !== options.host) continue;
    if (options.json === true) sayJson(world, event);
    else say(world, false, eventLine(world, event));
  }
  return "done";
}

function eventLine(world: World, event: WatchEventsResponse): string {
  const about = [event.rolloutId, event.host].filter((part) => part !== undefined && part !== "").join(" ");
  const date = new Date(event.atMs).toISOString().slice(0, "2026-01-01".length);
  return `${date} ${world.clock(event.atMs)}  ${event.kind}${about === "" ? "" : ` [${about}]`}  ${event.sentence}, by ${event.by}`;
}
