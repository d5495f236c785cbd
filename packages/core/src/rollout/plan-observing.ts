import { overrideOf } from "../gates/overrides.ts";
import { isUnhealthy } from "../health/verdict.ts";
import { after, between, formatDuration, type Instant } from "../units/time.ts";
import { blindness } from "./blindness.ts";
import { halt, haltCause, haltRegressed, isRegressed } from "./halt.ts";
import { grantOf, type Plan, type PlanInput, type RolloutAction } from "./plan-input.ts";
import type { HostChange, RolloutState, StepState, Steps, WaitingOn } from "./rollout.ts";
import { settleSteps, stepOf } from "./settle-steps.ts";
import { gateWaitMs } from "./timings.ts";
import { type InPhase, nameHosts, nextWave, stageAt, takingPart } from "./wave.ts";
import { recordVerdict, releaseIn } from "./way-back.ts";

type Observing = InPhase<RolloutState, "observing">;

/**
 * Decides over a wave that is live and on trial. It passes only when it soaked, its verdict is a pass (or an operator
 * promoted it and nothing is worse) and every host says now that it still runs it. Time alone never passes it (promise 7).
 */
export function planObserving(input: PlanInput, state: Observing): Plan {
  const { now, rollout, verdict } = input;
  const { steps, failure } = settleSteps(input);
  if (failure !== undefined) return halt(rollout, steps, haltCause(failure.kind, failure.sentence, now));
  if (isRegressed(input, steps)) return haltRegressed(input, steps);
  if (isUnhealthy(verdict) && !isAccepted(input, state)) return pauseUnhealthy(input, state, steps);
  const blind = blindness(input);
  const waitingOn = [...(blind ? [blind] : []), ...missing(input, state, steps)];
  if (waitingOn.length === 0) return pass(input, state, steps);
  if (now < state.deadline || blind !== undefined) return { next: { ...state, steps }, actions: [], waitingOn };
  const sentence = `no verdict within ${formatDuration(between(state.since, now))}: ${waitingOn.map((one) => one.sentence).join("; ")}`;
  const evidence = waitingOn.flatMap(({ details = [] }) => details);
  return halt(rollout, steps, haltCause("deadline", sentence, now, evidence));
}

const isAccepted = ({ rollout }: PlanInput, { at, promoted, acceptsUnhealthy }: Observing): boolean =>
  promoted !== undefined || acceptsUnhealthy === true || overrideOf(rollout, "evidence", at) !== undefined;

/** Going back would not help, and going on would be blind: it stays as it is until the trouble is over, or a person decides. */
function pauseUnhealthy({ now, rollout, verdict }: PlanInput, state: Observing, steps: Steps): Plan {
  const [first = "no verdict is possible"] = verdict.kind === "inconclusive" ? verdict.missing : [];
  const reason = `hosts that were not changed fail as well: ${first}`;
  const resumeTo = { ...state, steps };
  const next: RolloutState = {
    phase: "paused",
    by: "coordinator",
    reason,
    resumeTo,
    steps,
    since: now,
    byHealth: true,
  };
  const sentence = `${rollout.title} (rollout ${rollout.id}) paused, nothing was reverted: ${reason}`;
  return { next, actions: [{ kind: "page", sentence }], waitingOn: [] };
}

/** What this wave still lacks. */
function missing(input: PlanInput, state: Observing, steps: Steps): readonly WaitingOn[] {
  return [...missingSoak(input, state), ...missingHosts(input, state, steps), ...missingEvidence(input, state)];
}

function missingSoak({ now, rollout }: PlanInput, { at, soakUntil, promoted }: Observing): readonly WaitingOn[] {
  if (promoted !== undefined || now >= soakUntil || overrideOf(rollout, "soak", at) !== undefined) return [];
  const sentence = `soaking for ${formatDuration(between(now, soakUntil))} more`;
  return [{ kind: "soak", sentence, hosts: [], until: soakUntil }];
}

function missingHosts(input: PlanInput, state: Observing, steps: Steps): readonly WaitingOn[] {
  const hosts = takingPart(input.rollout, state.at, steps)
    .map(({ host }) => host)
    .filter((host) => !isLiveNow(input, host, stepOf(steps, host)));
  if (hosts.length === 0) return [];
  return [{ kind: "host", sentence: `waiting for ${nameHosts(hosts)} to report`, hosts, until: state.deadline }];
}

/** The host is there and says of this grant that it is live. */
function isLiveNow(input: PlanInput, host: string, step: StepState): boolean {
  if (step.kind !== "provisional") return false;
  const view = input.hosts[host];
  if (input.rollout.kind === "reboot") return view?.connected === true;
  return view?.connected === true && grantOf(view, step.grant)?.progress.kind === "provisional";
}

function missingEvidence({ rollout, verdict }: PlanInput, { at, promoted, deadline }: Observing): readonly WaitingOn[] {
  if (verdict.kind !== "inconclusive" || promoted !== undefined) return [];
  if (overrideOf(rollout, "evidence", at) !== undefined) return [];
  const { missing: wanted } = verdict;
  const details = wanted.length > wantedMax ? { details: wanted } : {};
  return [{ kind: "evidence", sentence: wantedWords(wanted), ...details, hosts: [], until: deadline }];
}

/** Strata can be many, and a sentence about each is a wall; the first ones are enough to begin with. */
const wantedMax = 2;

function wantedWords(wanted: readonly string[]): string {
  if (wanted.length === 0) return "the verdict is not in yet";
  const rest = wanted.length - wantedMax;
  return [...wanted.slice(0, wantedMax), ...(rest > 0 ? [`and ${rest} more like these`] : [])].join("; ");
}

/** Everything in the wave becomes proven, and the next wave waits for its gates. */
function pass(input: PlanInput, { at, approvals }: Observing, steps: Steps): Plan {
  const { now, rollout } = input;
  const wave = takingPart(rollout, at, steps);
  const passed = Object.fromEntries(wave.map(({ host }) => [host, passedStep(stepOf(steps, host), now)]));
  const after_ = { ...steps, ...passed };
  const actions = [...wave.map(recordProven), ...clears(input, at, wave)];
  const next = nextWave(rollout, at);
  if (next === undefined) return { next: { phase: "completed", steps: after_, since: now }, actions, waitingOn: [] };
  const deadline = after(now, gateWaitMs);
  const waiting: RolloutState = {
    phase: "waiting-for-gates",
    at: next,
    approvals,
    steps: after_,
    deadline,
    since: now,
  };
  return { next: waiting, actions, waitingOn: [] };
}

/** What was bad here before and passes by its evidence now is good again. */
function clears(
  { rollout, verdict, badReleases = {} }: PlanInput,
  at: Observing["at"],
  wave: readonly HostChange[],
): readonly RolloutAction[] {
  const stage = stageAt(rollout, at);
  const wasBad = wave.filter(({ units }) =>
    units.some(({ unit, to }) => badReleases[releaseIn(stage.environment, unit, to)] !== undefined),
  );
  if (verdict.kind !== "pass" || wasBad.length === 0) return [];
  const placed = wasBad.map((change) => ({ stage, change }));
  return recordVerdict(placed, "good", `${rollout.title} passed there`);
}

/** How long the switch took stays on record. */
function passedStep(before: StepState, at: Instant): StepState {
  if (before.kind !== "provisional") return { kind: "passed", at };
  const { switchMs, awayMs } = before;
  return { kind: "passed", at, switchMs, ...(awayMs === undefined ? {} : { awayMs }) };
}

function recordProven({ host, units }: HostChange): RolloutAction {
  return { kind: "record-proven", host, units: units.map(({ unit, to }) => ({ unit, digest: to })) };
}
