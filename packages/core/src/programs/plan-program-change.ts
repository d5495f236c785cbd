import type { ActivationEnd } from "../activation/activation.ts";
import { judgeTally, questionsOn } from "../activation/probe-tally.ts";
import type { GrantFailure } from "../host/observation.ts";
import { agentUnit, type Grant, type UnitRelease } from "../intent/intent.ts";
import { after, between, type Instant, minutes, seconds } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import type { ProgramChange, ProgramChangeInput, ProgramChangePlan, InProgramChange } from "./program-change.ts";
import { isTrial } from "./program-change.ts";

/** Longest time for getting the program onto the disk; confirm-by bounds it as well. */
const installWithinMs = minutes(30);
/** Saying a version takes moments; this covers a machine that is short of everything. */
const tryWithinMs = seconds(60);
/** From the order to change over until the program on trial has looked for the first time; the watchdog starts it in a moment. */
const changeOverWithinMs = seconds(90);
/** For a program on trial to reach the coordinator and to find every unit healthy. */
export const trialWithinMs = seconds(90);
/** Tries of an order that can be repeated before it counts as failed. */
const triesMax = 3;

/** The first state of a grant for the agent. One whose release nobody described, or that names another unit as well, ends at once. */
export function createProgramChange(
  grant: Grant,
  releases: Readonly<Record<string, UnitRelease>>,
  now: Instant,
): ProgramChange {
  const [only] = grant.units;
  const described = only === undefined ? undefined : releases[only.digest];
  const release = described ?? unknownRelease(only?.digest ?? "");
  const subject = { grant, since: now, release };
  if (described !== undefined && grant.units.length === 1) {
    return { ...subject, phase: "installing", deadline: after(now, installWithinMs) };
  }
  const reason =
    described === undefined
      ? `the intent grants agent release ${release.digest}, but does not describe it`
      : "an agent is changed by a grant of its own";
  return { ...subject, phase: "ended", at: now, end: failed("install", reason) };
}

const unknownRelease = (digest: string): UnitRelease => ({
  unit: agentUnit,
  version: digest,
  digest,
  content: { kind: "agent-program", version: digest },
});

const failed = (failure: GrantFailure, reason: string): ActivationEnd => ({
  kind: "failed",
  touchedTraffic: false,
  failure,
  reason,
});

/**
 * Decides the next step of a change of the agent on its host, in the program before as in the one on trial: at most one change of
 * phase at a time. Same input, same plan. The caller saves `next` before it carries out `actions`.
 */
export function planProgramChange(input: ProgramChangeInput): ProgramChangePlan {
  const { word } = input;
  const state = word.kind === "held" ? { ...input.state, grant: word.grant } : input.state;
  const current = { ...input, state };
  return planWord(current) ?? planPhase(current);
}

/** What the watchdog, the intent and the grant's own deadline say, before anything else. */
function planWord(input: ProgramChangeInput): ProgramChangePlan | undefined {
  const { state, word, agent, now } = input;
  if (state.phase === "ended" || state.phase === "done") return undefined;
  const over = isTrial(state) ? agent.trialEnds[state.grant.id] : undefined;
  if (over !== undefined && !runsTrial(input)) return end(input, failed("start", over));
  if (word.kind === "withdrawn") return end(input, { kind: "withdrawn" });
  // Its watchdog may have been told already that it is the proven one, and have started it as that.
  const isIt = runsTrial(input) || agent.digest === state.release.digest;
  if (word.kind === "confirmed" && state.phase === "provisional" && isIt) {
    return go({ ...subjectOf(state), phase: "done", at: now });
  }
  if (word.kind === "confirmed" && !isTrial(state)) return end(input, { kind: "withdrawn" });
  // A confirmation that the program on trial has not taken in counts as long as that program runs.
  return word.kind === "held" && now >= state.grant.confirmBy ? end(input, { kind: "unconfirmed" }) : undefined;
}

function planPhase(input: ProgramChangeInput): ProgramChangePlan {
  const { state } = input;
  switch (state.phase) {
    case "installing":
      return planInstalling(input, state);
    case "trying":
      return planTrying(input, state);
    case "changing-over":
      return planChangingOver(input, state);
    case "on-trial":
      return planOnTrial(input, state);
    case "provisional":
      return planProvisional(input, state);
    case "ended":
    case "done":
      return { next: state, actions: [], waitingOn: [] };
    default:
      return unreachable(state);
  }
}

function planInstalling(input: ProgramChangeInput, state: InProgramChange<"installing">): ProgramChangePlan {
  const { release } = state;
  if (input.host.installed.includes(release.digest)) {
    return go({ ...subjectOf(state), phase: "trying", deadline: after(input.now, tryWithinMs) });
  }
  const hopeless = input.facts.failures.find(({ retryHelps }) => !retryHelps);
  if (hopeless !== undefined) return end(input, failed("install", hopeless.sentence));
  if (input.now >= state.deadline) {
    return end(input, failed("install", lastFailure(input) ?? "its files did not arrive in time"));
  }
  return stay(state, [{ kind: "ensure-installed", release }], `installing agent ${release.version}${because(input)}`);
}

function planTrying(input: ProgramChangeInput, state: InProgramChange<"trying">): ProgramChangePlan {
  const { release } = state;
  const { saidVersion, failures } = input.facts;
  if (saidVersion !== undefined && saidVersion !== release.version) {
    const reason = `the program says that it is ${saidVersion}, and was pushed as ${release.version}`;
    return end(input, failed("start", reason));
  }
  if (saidVersion !== undefined) {
    const { now } = input;
    return go({
      ...subjectOf(state),
      phase: "changing-over",
      startedAt: now,
      deadline: after(now, changeOverWithinMs),
    });
  }
  const broken = failures.find(({ retryHelps }) => !retryHelps) ?? failures[triesMax - 1];
  if (broken !== undefined) return end(input, failed("start", broken.sentence));
  if (input.now >= state.deadline) {
    return end(input, failed("start", lastFailure(input) ?? "it did not say its version in time"));
  }
  return stay(state, [{ kind: "ask-version", release }], `asking it for its version${because(input)}`);
}

function planChangingOver(input: ProgramChangeInput, state: InProgramChange<"changing-over">): ProgramChangePlan {
  const { now } = input;
  if (runsTrial(input)) {
    const { startedAt } = state;
    return go({ ...subjectOf(state), phase: "on-trial", startedAt, deadline: after(now, trialWithinMs) });
  }
  if (now >= state.deadline) return end(input, failed("start", "the watchdog did not start it in time"));
  return stay(state, [], `waiting until the watchdog starts ${state.release.version}`);
}

function planOnTrial(input: ProgramChangeInput, state: InProgramChange<"on-trial">): ProgramChangePlan {
  const { now, agent } = input;
  if (!runsTrial(input)) return end(input, failed("interrupted", notThere));
  const { version, digest } = state.release;
  if (agent.digest !== digest || agent.version !== version) {
    const reason = `the program on trial says that it is ${agent.version} (${agent.digest}), expected ${version} (${digest})`;
    return end(input, failed("start", reason));
  }
  const questions = input.duties.flatMap((duties) => questionsOn(duties, "listener"));
  const verdict = judgeTally(input.facts.tally, questions);
  if (verdict.kind === "bad") return end(input, failed("probes-after", verdict.sentence));
  const missing = [
    ...(input.isConnected ? [] : ["waiting until it reaches the coordinator"]),
    ...input.missing,
    ...(verdict.kind === "open" ? verdict.missing : []),
  ];
  if (missing.length === 0) {
    const switchMs = between(state.startedAt, now);
    return go({ ...subjectOf(state), phase: "provisional", switchedAt: now, switchMs });
  }
  if (now >= state.deadline) return end(input, failed("probes-after", missing.join(", ")));
  const rounds = input.duties.map(({ site }) => ({ site, target: { hop: "listener" } as const }));
  const actions = verdict.kind === "open" ? [{ kind: "probe", rounds } as const] : [];
  return { next: state, actions, waitingOn: missing };
}

function planProvisional(input: ProgramChangeInput, state: InProgramChange<"provisional">): ProgramChangePlan {
  if (!runsTrial(input)) return end(input, failed("interrupted", notThere));
  return stay(state, [], "waiting for the coordinator to confirm");
}

const notThere = "the program on trial no longer runs, and nobody says why";

/** This very process is the one that the watchdog has started for the grant. */
const runsTrial = ({ agent, state }: ProgramChangeInput): boolean => agent.trial === state.grant.id;

function end(input: ProgramChangeInput, how: ActivationEnd): ProgramChangePlan {
  return go({ ...subjectOf(input.state), phase: "ended", at: input.now, end: how });
}

const subjectOf = ({ grant, since, release }: ProgramChange) => ({ grant, since, release });

const go = (next: ProgramChange): ProgramChangePlan => ({ next, actions: [], waitingOn: [] });

const stay = (next: ProgramChange, actions: ProgramChangePlan["actions"], waiting: string): ProgramChangePlan => ({
  next,
  actions,
  waitingOn: [waiting],
});

const lastFailure = ({ facts }: ProgramChangeInput): string | undefined => facts.failures.at(-1)?.sentence;

function because(input: ProgramChangeInput): string {
  const last = lastFailure(input);
  return last === undefined ? "" : `; trying again after: ${last}`;
}
