import {
  type Instant,
  instant,
  isRoutine,
  isZone,
  Problem,
  parseMoment,
  renderIncidentReport,
  renderTimeline,
  type TimelineEvent,
  type TimelineView,
} from "@sluice/core";
import type { Event } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import { type Command, Option } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { say, sayJson, type World } from "../world.ts";
import { type CoordinatorOptions, withCoordinator } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

const formats = ["text", "markdown", "json"] as const;

interface TimelineOptions extends CoordinatorOptions {
  readonly since?: string;
  readonly until?: string;
  readonly rollout?: string;
  readonly host?: string;
  readonly site?: string;
  readonly zone: string;
  readonly format: (typeof formats)[number];
  readonly all?: boolean;
}

/** How far back it goes when nobody says how far, nor which rollout. */
const sinceWhen = "1d";

/** `sluice timeline`: what happened, in order; as markdown, the report of an incident. */
export function addTimelineVerb(program: Command, world: World): void {
  withCoordinator(program.command("timeline"))
    .description("what was commanded, decided and seen, in order; as markdown, a report of the incident")
    .option(
      "--since <when>",
      `how long ago (2d), or a time (2026-03-06, "2026-03-06 09:11"); ${sinceWhen} when no rollout is named`,
    )
    .option("--until <when>", "the same; now when absent")
    .option("--site <site>", "only rollouts of one site, and what concerns the whole fleet")
    .option("--host <host>", "only one host")
    .option("--rollout <id>", "only one rollout")
    .option("--zone <zone>", "IANA zone by whose clocks times are read and shown", "UTC")
    .option("--all", "also what is routine: intents, and grants that last longer")
    .addOption(new Option("--format <format>", "how it is written").choices(formats).default("text"))
    .addHelpText(
      "after",
      '\nExamples:\n  $ sluice timeline --since 2d --site shop\n  $ sluice timeline --since "2026-03-14 00:30" --zone Europe/Oslo --format markdown > report.md',
    )
    .action((options: TimelineOptions) =>
      runWithCoordinator(world, options, (client) => timeline(world, client, options)),
    );
}

async function timeline(world: World, client: CoordinatorClient, options: TimelineOptions): Promise<ExitName> {
  const { zone, all = false } = options;
  if (!isZone(zone)) {
    throw new Problem("usage-invalid", `cannot show times by the clocks of '${zone}': there is no such zone`, {
      hint: "name one as Europe/Oslo or UTC",
    });
  }
  const now = instant(world.now());
  const { events, toldAt } = await readAll(client, options, now);
  const view: TimelineView = { zone, now: toldAt ?? now, all };
  if (options.json === true || options.format === "json") {
    for (const event of events) if (all || !isRoutine(event)) sayJson(world, event);
  } else if (options.format === "markdown") say(world, false, renderIncidentReport(events, view));
  else say(world, false, renderTimeline(events, view));
  return "done";
}

/** Page by page, so that neither side holds more of a long log than it shows. */
async function readAll(
  client: CoordinatorClient,
  options: TimelineOptions,
  now: Instant,
): Promise<{ readonly events: readonly TimelineEvent[]; readonly toldAt?: Instant }> {
  const { rollout, host, site, until, zone } = options;
  const since = options.since ?? (rollout === undefined ? sinceWhen : undefined);
  const asked = {
    limit: 0,
    sinceMs: since === undefined ? undefined : momentOf("since", since, now, zone),
    untilMs: until === undefined ? undefined : momentOf("until", until, now, zone),
    rolloutId: rollout,
    host,
    site,
  };
  const events: TimelineEvent[] = [];
  for (;;) {
    const page = await client.readEvents({ ...asked, afterSeq: events.at(-1)?.seq ?? 0 });
    events.push(...page.events.map(eventOf));
    if (!page.more || page.events.length === 0) return { events, toldAt: instant(page.nowMs) };
  }
}

function momentOf(option: string, text: string, now: Instant, zone: string): Instant {
  const moment = parseMoment(text, now, zone);
  if (moment !== undefined) return moment;
  throw new Problem("usage-invalid", `cannot read --${option} '${text}': it is neither a duration nor a time`, {
    hint: `--${option} 2d, --${option} 2026-03-06, --${option} "2026-03-06 09:11"`,
  });
}

function eventOf({ atMs, rolloutId, host, details, ...told }: Event): TimelineEvent {
  return {
    ...told,
    at: instant(atMs),
    details: JSON.parse(details === "" ? "{}" : details),
    ...(rolloutId === undefined ? {} : { rollout: rolloutId }),
    ...(host === undefined ? {} : { host }),
  };
}
