import { between, durationMs, formatDuration, type Instant } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import type { Rollout, RolloutState, StepState, Steps, WaitingOn, WaveAt } from "./rollout.ts";
import { nameHosts, pending, placedSteps, stageAt } from "./wave.ts";

/** One present-tense sentence: `observing wave 2 of 3 in production, 3m left; waiting for web-3 to report`. */
export function describeRollout(
  rollout: Rollout,
  state: RolloutState,
  waitingOn: readonly WaitingOn[],
  now: Instant,
): string {
  const reasons = waitingOn.filter(({ kind }) => kind !== "soak").map(({ sentence }) => sentence);
  return [describePhase(rollout, state, now), ...reasons].join("; ");
}

function describePhase(rollout: Rollout, state: RolloutState, now: Instant): string {
  switch (state.phase) {
    case "waiting-for-gates":
      return `waiting for the gates of ${wave(rollout, state.at)}`;
    case "activating":
      return `activating ${wave(rollout, state.at)}, ${left(now, state.deadline)}`;
    case "observing":
      return `observing ${wave(rollout, state.at)}, ${left(now, now < state.soakUntil ? state.soakUntil : state.deadline)}`;
    case "paused":
      return `paused while ${state.resumeTo.phase} ${wave(rollout, state.resumeTo.at)}`;
    case "halted":
      return `halted: ${state.cause.sentence}`;
    case "reverting":
      return `going back, ${left(now, state.deadline)}, because ${state.cause.sentence}`;
    case "completed":
      return describeCompleted(rollout, state.steps);
    case "reverted":
      return `went back because ${state.cause.sentence}`;
    case "held":
      return `held because ${state.cause.sentence}`;
    case "aborted":
      return `${state.keeps === true ? "ended and kept" : "aborted"} by ${state.by}: ${state.reason}`;
    default:
      return unreachable(state);
  }
}

function describeCompleted(rollout: Rollout, steps: Steps): string {
  const placed = placedSteps(rollout, steps);
  const skipped = placed.filter(({ step }) => step.kind === "skipped").map(({ change }) => change.host);
  const count = `completed on ${plural(placed.length - skipped.length, "host")}`;
  return skipped.length === 0 ? count : `${count}, without ${nameHosts(skipped)}`;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

const left = (now: Instant, until: Instant): string =>
  until > now ? `${formatDuration(between(now, until))} left` : "time is up";

function wave(rollout: Rollout, at: WaveAt): string {
  const { environment, waves } = stageAt(rollout, at);
  return `wave ${at.wave + 1} of ${waves.length} in ${environment}`;
}

/** A rollout as a table: one row a host, in the order in which they are changed. */
export interface StepRow {
  readonly environment: string;
  /** Counts from 1 in each environment. */
  readonly wave: number;
  readonly host: string;
  readonly state: StepState["kind"];
  /** Present-tense words about the state. */
  readonly detail: string;
  readonly units: readonly { readonly unit: string; readonly from?: string; readonly to: string }[];
}

export function rolloutTable(rollout: Rollout, state: RolloutState): readonly StepRow[] {
  return rollout.stages.flatMap(({ environment, waves }) =>
    waves.flatMap((changes, index) =>
      changes.map(({ host, units }): StepRow => {
        const step = state.steps[host] ?? pending;
        return { environment, wave: index + 1, host, state: step.kind, detail: describeStep(step), units };
      }),
    ),
  );
}

/** Where a host is, in words. */
export function describeStep(step: StepState): string {
  switch (step.kind) {
    case "pending":
      return "not touched yet";
    case "skipped":
      return `left out: ${step.reason}`;
    case "activating":
      return "preparing the switch";
    case "provisional":
      if (step.awayMs !== undefined) return `back, on trial (away for ${formatDuration(step.awayMs)})`;
      return `live, on trial (switched in ${formatDuration(durationMs(step.switchMs))})`;
    case "passed":
      return "live and proven";
    case "failed":
      if (step.rebooting === true) return step.reason;
      return step.touchedTraffic ? `undone: ${step.reason}` : `refused before the switch: ${step.reason}`;
    case "withdrawing":
      return "going back to what is proven";
    case "reverting":
      return "going back to what was proven before";
    case "reverted":
      return "back on what ran before";
    case "revert-failed":
      return `cannot go back: ${step.reason}`;
    default:
      return unreachable(step);
  }
}

/** What state every host of a rollout is in, each by its name: `web-2, web-3: live and proven; web-1: cannot go back: disk full`. */
export function describeHosts(rollout: Rollout, steps: Steps): string {
  const hosts = new Map<string, string[]>();
  for (const { change, step } of placedSteps(rollout, steps)) {
    const words = describeStep(step);
    hosts.set(words, [...(hosts.get(words) ?? []), change.host]);
  }
  return [...hosts].map(([words, names]) => `${names.join(", ")}: ${words}`).join("; ");
}

/** Hosts in each state, in words: `2 live and proven, 1 not touched yet`; for one-line summaries. */
export function summarizeSteps(rollout: Rollout, state: RolloutState): string {
  const hosts = new Map<string, string[]>();
  for (const { change, step } of placedSteps(rollout, state.steps)) {
    hosts.set(step.kind, [...(hosts.get(step.kind) ?? []), change.host]);
  }
  return [...hosts].map(([kind, names]) => `${kind}: ${nameHosts(names)}`).join("; ");
}
