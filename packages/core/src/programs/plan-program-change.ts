import type { ActivationEnd } from "../activation/activation.ts";
import { judgeTally, questionsOn } from "../activation/probe-tally.ts";
import type { GrantFailure } from "../host/observation.ts";
import { type Grant, keeperUnit, type ProgramUnit, type UnitRelease } from "../intent/intent.ts";
import { after, between, type Instant, minutes, seconds } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import type { InProgramChange, ProgramChange, ProgramChangeInput, ProgramChangePlan } from "./program-change.ts";
import { isTrial, unitOf } from "./program-change.ts";

/** Longest time for getting the program onto the disk; confirm-by bounds it as well. */
const installWithinMs = minutes(30);
/** Saying a version takes moments; this covers a machine that is short of everything. */
const tryWithinMs = seconds(60);
/** From the order to change over until the program on trial is seen for the first time; it is started in a moment. */
const changeOverWithinMs = seconds(90);
/** For a program on trial to be found well: the coordinator is reached, and every unit healthy. */
export const trialWithinMs = seconds(90);
/** For a keeper on trial to hand over to the proven one; a handover takes a moment, and gives up after 15 s. */
const handBackWithinMs = seconds(60);
/** Tries of an order that can be repeated before it counts as failed. */
const triesMax = 3;

/** The first state of a grant for a program. One whose release nobody described, or that names another unit as well, ends at once. */
export function createProgramChange(
  unit: ProgramUnit,
  grant: Grant,
  releases: Readonly<Record<string, UnitRelease>>,
  now: Instant,
): ProgramChange {
  const [only] = grant.units;
  const described = only === undefined ? undefined : releases[only.digest];
  const release = described ?? unknownRelease(unit, only?.digest ?? "");
  const subject = { grant, since: now, release };
  if (described !== undefined && grant.units.length === 1) {
    return { ...subject, phase: "installing", deadline: after(now, installWithinMs) };
  }
  const reason =
    described === undefined
      ? `the intent grants ${unit} release ${release.digest}, but does not describe it`
      : `the ${unit} is changed by a grant of its own`;
  return { ...subject, phase: "ended", at: now, end: failed("install", reason) };
}

const unknownRelease = (unit: ProgramUnit, digest: string): UnitRelease => ({
  unit,
  version: digest,
  digest,
  content: { kind: `${unit}-program`, version: digest },
});

const failed = (failure: GrantFailure, reason: string): ActivationEnd => ({
  kind: "failed",
  touchedTraffic: false,
  failure,
  reason,
});

/**
 * Decides the next step of a change of a program on its host: at most one change of phase at a time. An agent decides about itself,
 * in the program before as in the one on trial; about the keeper the agent decides. Same input, same plan. The caller saves `next` before it carries out `actions`.
 */
export function planProgramChange(input: ProgramChangeInput): ProgramChangePlan {
  const { word } = input;
  const state = word.kind === "held" ? { ...input.state, grant: word.grant } : input.state;
  const current = { ...input, state };
  return planWord(current) ?? planPhase(current);
}

/** What the watchdog, the intent and the grant's own deadline say, before anything else. */
function planWord(input: ProgramChangeInput): ProgramChangePlan | undefined {
  const { state, word, running, trialEnds, now } = input;
  if (state.phase === "handing-back" || state.phase === "ended" || state.phase === "done") return undefined;
  const over = isTrial(state) ? trialEnds[state.grant.id] : undefined;
  if (over !== undefined && !runsTrial(input)) return end(input, failed("start", over));
  if (word.kind === "withdrawn") return end(input, { kind: "withdrawn" });
  // It may be known already that it is the proven one, and it have been started as that.
  const isIt = runsTrial(input) || running?.digest === state.release.digest;
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
    case "handing-back":
      return planHandingBack(input, state);
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
  return stay(
    state,
    [{ kind: "ensure-installed", release }],
    `installing ${release.unit} ${release.version}${because(input)}`,
  );
}

function planTrying(input: ProgramChangeInput, state: InProgramChange<"trying">): ProgramChangePlan {
  const { release } = state;
  const { saidVersion } = input.facts;
  if (saidVersion !== undefined && saidVersion !== release.version) {
    const reason = `the program says that it is ${saidVersion}, and was pushed as ${release.version}`;
    return end(input, failed("start", reason));
  }
  if (saidVersion !== undefined) {
    const { now } = input;
    const deadline = after(now, changeOverWithinMs);
    return go({ ...subjectOf(state), ...keepingOf(input), phase: "changing-over", startedAt: now, deadline });
  }
  const broken = brokenBy(input);
  if (broken !== undefined) return end(input, failed("start", broken));
  if (input.now >= state.deadline) {
    return end(input, failed("start", lastFailure(input) ?? "it did not say its version in time"));
  }
  return stay(state, [{ kind: "ask-version", release }], `asking it for its version${because(input)}`);
}

/** Of a keeper: what its successor has to hold, and which process is to hand over. */
function keepingOf({ state, running, kept }: ProgramChangeInput) {
  if (unitOf(state) !== keeperUnit || running === undefined) return {};
  const { pid, startedAtMs } = running;
  return { by: { pid, startedAtMs }, ...(kept === undefined ? {} : { kept }) };
}

function planChangingOver(input: ProgramChangeInput, state: InProgramChange<"changing-over">): ProgramChangePlan {
  const { now } = input;
  if (runsTrial(input)) {
    const { startedAt, kept } = state;
    const keeping = kept === undefined ? {} : { kept };
    return go({ ...subjectOf(state), ...keeping, phase: "on-trial", startedAt, deadline: after(now, trialWithinMs) });
  }
  const { release, grant } = state;
  if (unitOf(state) !== keeperUnit) {
    if (now >= state.deadline) return end(input, failed("start", "the watchdog did not start it in time"));
    return stay(state, [], `waiting until the watchdog starts ${release.version}`);
  }
  // It may have handed over and its successor have ended since: what may do harm is tried once.
  if (isAnother(input.running, state.by)) return end(input, gone(input));
  const broken = brokenBy(input);
  if (broken !== undefined) return end(input, failed("start", broken));
  if (now >= state.deadline || input.running === undefined) {
    return end(input, failed("start", lastFailure(input) ?? "the keeper before did not hand over to it in time"));
  }
  return stay(state, [{ kind: "hand-over", release, grant: grant.id }], `handing over to it${because(input)}`);
}

const isAnother = (running: ProgramChangeInput["running"], by: InProgramChange<"changing-over">["by"]): boolean =>
  by !== undefined && running !== undefined && (running.pid !== by.pid || running.startedAtMs !== by.startedAtMs);

function planOnTrial(input: ProgramChangeInput, state: InProgramChange<"on-trial">): ProgramChangePlan {
  const { now, running, facts } = input;
  if (running?.trial !== state.grant.id) return end(input, gone(input));
  const { version, digest } = state.release;
  if (running.digest !== digest || running.version !== version) {
    const reason = `the program on trial says that it is ${running.version} (${running.digest}), expected ${version} (${digest})`;
    return end(input, failed("start", reason));
  }
  if (state.kept !== undefined && facts.lost === undefined) {
    const lookAgain = stay(
      state,
      [{ kind: "compare-kept", kept: state.kept }],
      `comparing what it keeps${because(input)}`,
    );
    return now >= state.deadline ? end(input, failed("start", lookAgain.waitingOn.join())) : lookAgain;
  }
  if (facts.lost !== undefined && facts.lost.length > 0) {
    return end(input, failed("start", `the keeper on trial has lost ${facts.lost.join(", ")}`));
  }
  const questions = input.duties.flatMap((duties) => questionsOn(duties, "listener"));
  const verdict = judgeTally(facts.tally, questions);
  if (verdict.kind === "bad") return end(input, failed("probes-after", verdict.sentence));
  const missing = [
    ...(input.isConnected ? [] : [waitingForCoordinator(state)]),
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
  if (!runsTrial(input)) return end(input, gone(input));
  return stay(state, [], "waiting for the coordinator to confirm");
}

/** Which one is the proven one is for those to know who start it. */
function planHandingBack(input: ProgramChangeInput, state: InProgramChange<"handing-back">): ProgramChangePlan {
  const { running, now } = input;
  if (running !== undefined && !runsTrial(input)) {
    return go({ ...subjectOf(state), phase: "ended", at: now, end: state.end });
  }
  const isLate = now >= state.deadline || running === undefined;
  const actions = [{ kind: isLate ? "put-down" : "hand-back" } as const];
  return stay(state, actions, `${isLate ? "putting it down" : "handing back to the proven keeper"}${because(input)}`);
}

const waitingForCoordinator = (state: ProgramChange): string =>
  unitOf(state) === keeperUnit
    ? "waiting until the agent reaches the coordinator"
    : "waiting until it reaches the coordinator";

/** Why there is no program on trial any more. */
function gone({ running, state }: ProgramChangeInput): ActivationEnd {
  const reason =
    unitOf(state) !== keeperUnit
      ? "the program on trial no longer runs, and nobody says why"
      : running === undefined
        ? "the keeper on trial no longer answers"
        : "the keeper on trial was killed, or its host restarted; the proven one was started";
  return failed("interrupted", reason);
}

/** Why an order of this phase is not tried again. */
function brokenBy({ facts: { failures } }: ProgramChangeInput): string | undefined {
  return (failures.find(({ retryHelps }) => !retryHelps) ?? failures[triesMax - 1])?.sentence;
}

/** The program that runs is the one that was started for the grant. */
const runsTrial = ({ running, state }: ProgramChangeInput): boolean => running?.trial === state.grant.id;

/** The program before runs, or is started by whoever watches; a keeper on trial has to hand back first. */
function end(input: ProgramChangeInput, how: ActivationEnd): ProgramChangePlan {
  const { state, running, now } = input;
  const isKeepersTrial = unitOf(state) === keeperUnit && isTrial(state);
  if (isKeepersTrial && (running === undefined || runsTrial(input))) {
    return go({ ...subjectOf(state), phase: "handing-back", deadline: after(now, handBackWithinMs), end: how });
  }
  return go({ ...subjectOf(state), phase: "ended", at: now, end: how });
}

/**
 * Of a change that has ended: an agent that was killed in the middle of a handover may have given it up before the successor came. What
 * runs for its grant all the same has to hand back, as if it had been on trial until now. Absent: nothing does.
 */
export function takeBackSuccessor(
  change: ProgramChange,
  keeper: ProgramChangeInput["running"],
  now: Instant,
): ProgramChange | undefined {
  if (change.phase !== "ended" || keeper?.trial !== change.grant.id) return undefined;
  return { ...subjectOf(change), phase: "handing-back", deadline: after(now, handBackWithinMs), end: change.end };
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
