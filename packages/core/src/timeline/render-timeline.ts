import { stampWords } from "../gates/local-time.ts";
import { formatDuration, type Instant } from "../units/time.ts";
import { isRoutine, type TimelineEvent } from "./event.ts";
import { exposedMs, haltedAfter, phases, type RolloutStory, storiesOf } from "./story.ts";

export interface TimelineView {
  /** IANA zone by whose clocks times are shown. */
  readonly zone: string;
  /** When it is told: what has not ended lasts until then. */
  readonly now: Instant;
  /** Also what is routine: intents and longer grants. */
  readonly all?: boolean;
}

/** One line an event, oldest first: when, what, about what, in words, by whom. */
export function renderTimeline(events: readonly TimelineEvent[], view: TimelineView): string {
  const shown = shownOf(events, view);
  if (shown.length === 0) return "nothing happened in this time";
  return shown.map((event) => timelineLine(event, view.zone)).join("\n");
}

/** `2026-03-06 09:11:00  rollout.halted [r-1]  shop 2 is halted: …, by coordinator` */
export function timelineLine(event: TimelineEvent, zone: string): string {
  const about = aboutOf(event);
  const words = `${event.sentence}${event.sentence.startsWith(event.by) ? "" : `, by ${event.by}`}`;
  return `${stampWords(event.at, zone)}  ${event.kind}${about === "" ? "" : ` [${about}]`}  ${words}`;
}

/** The report that somebody would have to write: what changed, what stopped it, whom it met, for how long; then everything in order. */
export function renderIncidentReport(events: readonly TimelineEvent[], view: TimelineView): string {
  const shown = shownOf(events, view);
  const [first, last] = [shown[0], shown.at(-1)];
  if (first === undefined || last === undefined) return "# Incident report\n\nNothing happened in this time.";
  const stories = storiesOf(shown);
  const span = `${stampWords(first.at, view.zone)} to ${stampWords(last.at, view.zone)} (${view.zone})`;
  return [
    "# Incident report",
    `${span}, ${shown.length} events.`,
    "## Summary",
    ...summaries(stories, shown, view),
    ...stories.flatMap((story) => evidenceOf(story, view)),
    "## Everything in order",
    tableOf(shown, view.zone),
  ].join("\n\n");
}

const shownOf = (events: readonly TimelineEvent[], { all }: TimelineView): readonly TimelineEvent[] =>
  all === true ? events : events.filter((event) => !isRoutine(event));

const aboutOf = ({ rollout, host }: TimelineEvent): string =>
  [rollout, host].filter((part) => part !== undefined && part !== "").join(" ");

function summaries(
  stories: readonly RolloutStory[],
  events: readonly TimelineEvent[],
  view: TimelineView,
): readonly string[] {
  const told = stories.map((story) => [`### ${plain(story.title)}`, bullets(storyLines(story, view))].join("\n\n"));
  const besides = besideLines(events);
  const other = besides.length === 0 ? [] : [["### Besides", bullets(besides)].join("\n\n")];
  return told.length + other.length === 0 ? ["No rollout was under way."] : [...told, ...other];
}

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join("\n");

function storyLines(story: RolloutStory, view: TimelineView): readonly string[] {
  const { by, startedAt, reason, hosts, sites, overrides, phase, phaseAt } = story;
  const time = (at: Instant): string => stampWords(at, view.zone);
  const start = startedAt === undefined ? "before this time" : `at ${time(startedAt)} by ${plain(by ?? "")}`;
  const ending = phase === undefined || phaseAt === undefined ? "" : `; it ${phases[phase]}, since ${time(phaseAt)}`;
  return [
    `**What changed:** ${plain(story.title)} (rollout ${story.id}), started ${start}${reason === undefined ? "" : `: ${plain(reason)}`}${ending}.`,
    ...haltLines(story, view),
    ...(hosts.length === 0
      ? []
      : [`**Planned for:** ${hosts.join(", ")}${sites.length === 0 ? "" : ` (${sites.join(", ")})`}.`]),
    ...overrides.map((sentence) => `**Overridden:** ${plain(sentence)}.`),
  ];
}

function haltLines(story: RolloutStory, { zone, now }: TimelineView): readonly string[] {
  const { halt, exposed } = story;
  if (halt === undefined) return ["**Halted:** never."];
  const late = haltedAfter(story);
  const after =
    late === undefined ? ", before any host was live" : `, ${formatDuration(late)} after its first host went live`;
  const met = exposed.map(({ host, from, to }) => {
    const until = to === undefined ? "is live there still" : `until ${stampWords(to, zone)}`;
    return `${host} from ${stampWords(from, zone)} ${until}`;
  });
  return [
    `**Halted:** ${stampWords(halt.at, zone)}${after}: ${plain(halt.sentence)}.`,
    met.length === 0
      ? "**Affected:** nobody; no user was led to it."
      : `**Affected:** users of ${exposed.length} of ${story.hosts.length} hosts: ${met.join("; ")}.`,
    ...(met.length === 0 ? [] : [`**How long:** ${formatDuration(exposedMs(exposed, now))}.`]),
  ];
}

/** Areas of what nobody's rollout did. */
const beside = /^(host|unit|freeze|mute|fleet|coordinator)\./;

function besideLines(events: readonly TimelineEvent[]): readonly string[] {
  return events
    .filter(({ kind, rollout }) => rollout === undefined && beside.test(kind))
    .map(({ sentence, host }) =>
      host === undefined || sentence.startsWith(host) ? `${plain(sentence)}.` : `${host}: ${plain(sentence)}.`,
    );
}

function evidenceOf({ title, halt }: RolloutStory, { zone }: TimelineView): readonly string[] {
  if (halt === undefined) return [];
  const words = halt.evidence.length === 0 ? [halt.sentence] : halt.evidence;
  const quoted = words.map((sentence) => `> ${plain(sentence)}`).join("\n>\n");
  return [`## Evidence against ${plain(title)}`, `As it stood at ${stampWords(halt.at, zone)}:`, quoted];
}

function tableOf(events: readonly TimelineEvent[], zone: string): string {
  const rows = events.map((event) =>
    [stampWords(event.at, zone), event.kind, aboutOf(event), event.by, event.sentence].map(plain).join(" | "),
  );
  return ["time | event | about | by | in words", "--- | --- | --- | --- | ---", ...rows]
    .map((row) => `| ${row} |`)
    .join("\n");
}

/** What people typed stays words: no table, no quote, no link and no markup comes of it. */
const plain = (text: string): string => text.replaceAll(/\s+/g, " ").replaceAll(/[\\|`*_<>[\]#]/g, "\\$&");
