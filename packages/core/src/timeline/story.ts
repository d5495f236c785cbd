import { between, type DurationMs, durationMs, type Instant } from "../units/time.ts";
import type { TimelineEvent } from "./event.ts";

/** One rollout, as its events tell it. Everything is of the events that are there: a part of a log tells a part. */
export interface RolloutStory {
  readonly id: string;
  readonly title: string;
  readonly by?: string;
  readonly reason?: string;
  readonly startedAt?: Instant;
  readonly sites: readonly string[];
  /** Every host that it is about. */
  readonly hosts: readonly string[];
  readonly firstLiveAt?: Instant;
  readonly halt?: { readonly at: Instant; readonly sentence: string; readonly evidence: readonly string[] };
  /** The phase it was in last, and since when. */
  readonly phase?: string;
  readonly phaseAt?: Instant;
  /** Hosts on which users could meet what was then stopped, each with the time in which they could. */
  readonly exposed: readonly Exposure[];
  readonly overrides: readonly string[];
}

export interface Exposure {
  readonly host: string;
  readonly from: Instant;
  /** Absent: it is live there still. */
  readonly to?: Instant;
}

/** The stories of all rollouts that the events are about, in the order in which they are first told of. */
export function storiesOf(events: readonly TimelineEvent[]): readonly RolloutStory[] {
  const told = Map.groupBy(
    events.filter(({ rollout }) => rollout !== undefined),
    ({ rollout }) => rollout ?? "",
  );
  return [...told].map(([id, own]) => storyOf(id, own));
}

/** Time for which users could meet it on any host, from the first to the last. */
export function exposedMs(exposed: readonly Exposure[], until: Instant): DurationMs {
  if (exposed.length === 0) return durationMs(0);
  const from = Math.min(...exposed.map((one) => one.from));
  const to = Math.max(...exposed.map((one) => one.to ?? until));
  return durationMs(to - from);
}

/** From the first host that went live to the word that stopped it. */
export const haltedAfter = ({ firstLiveAt, halt }: RolloutStory): DurationMs | undefined =>
  halt === undefined || firstLiveAt === undefined ? undefined : between(firstLiveAt, halt.at);

function storyOf(id: string, events: readonly TimelineEvent[]): RolloutStory {
  const start = events.find(({ kind }) => kind === "rollout.started");
  const begun = (start?.details ?? {}) as {
    readonly title?: string;
    readonly reason?: string;
    readonly sites?: readonly string[];
    readonly hosts?: readonly string[];
  };
  const live = events.find(({ kind }) => kind === "step.provisional");
  const phase = events.findLast(({ kind }) => kind.startsWith("rollout.") && kind.slice("rollout.".length) in phases);
  const halt = haltOf(events);
  return {
    id,
    title: begun.title ?? `rollout ${id}`,
    sites: begun.sites ?? [],
    hosts: begun.hosts ?? [],
    ...(start === undefined ? {} : { by: start.by, startedAt: start.at }),
    ...(begun.reason === undefined ? {} : { reason: begun.reason }),
    ...(live === undefined ? {} : { firstLiveAt: live.at }),
    ...(halt === undefined ? {} : { halt }),
    ...(phase === undefined ? {} : { phase: phase.kind.slice("rollout.".length), phaseAt: phase.at }),
    exposed: halt === undefined ? [] : exposureOf(events),
    overrides: events.filter(({ kind }) => overriding.includes(kind)).map(({ sentence }) => sentence),
  };
}

const overriding: readonly string[] = ["rollout.check-overridden", "rollout.gate-overridden"];

/** Words for a phase at the end of a story. */
export const phases: Readonly<Record<string, string>> = {
  "waiting-for-gates": "waits for its gates",
  activating: "is being activated",
  observing: "is under observation",
  paused: "is paused",
  halted: "is halted",
  reverting: "is going back",
  completed: "completed",
  reverted: "went back",
  held: "is held for a person",
  aborted: "was aborted",
};

function haltOf(events: readonly TimelineEvent[]): RolloutStory["halt"] {
  const halted = events.find(({ kind }) => kind === "rollout.halted");
  if (halted === undefined) return undefined;
  const { cause } = halted.details as {
    readonly cause?: { readonly sentence: string; readonly evidence: readonly string[] };
  };
  return { at: halted.at, sentence: cause?.sentence ?? halted.sentence, evidence: cause?.evidence ?? [] };
}

/** Steps with which a host is back on what it ran before. */
const back: readonly string[] = ["step.reverted", "step.failed"];

/** A host that passed is exposed as well, until it is back: what was stopped later may have been bad there already. */
function exposureOf(events: readonly TimelineEvent[]): readonly Exposure[] {
  const hosts = new Map<string, Exposure>();
  for (const { kind, host, at } of events) {
    if (host === undefined) continue;
    const known = hosts.get(host);
    if (kind === "step.provisional" && known === undefined) hosts.set(host, { host, from: at });
    if (back.includes(kind) && known !== undefined) hosts.set(host, { ...known, to: known.to ?? at });
  }
  return [...hosts.values()];
}
