import { overrideOf } from "../gates/overrides.ts";
import { after, between, formatDuration } from "../units/time.ts";
import { blindness } from "./blindness.ts";
import { busyWith, inTheWay, type Room, take, takenIn, turnsAhead } from "./capacity.ts";
import { drainedItself, withDrained } from "./drained-hosts.ts";
import { grantId } from "./grant-id.ts";
import { halt, haltCause, haltRegressed, isRegressed } from "./halt.ts";
import { grantOf, type Plan, type PlanInput } from "./plan-input.ts";
import type { HostChange, RolloutState, Stage, StepState, Steps, WaitingOn } from "./rollout.ts";
import { settleSteps, stepOf } from "./settle-steps.ts";
import { skipLost } from "./skip-lost.ts";
import { confirmBy, observingDeadline } from "./timings.ts";
import { hostUnit, type InPhase, nameHosts, stageAt, takingPart } from "./wave.ts";

type Activating = InPhase<RolloutState, "activating">;

/** Takes the wave's hosts through their activations, as many at a time as the site allows. */
export function planActivating(input: PlanInput, state: Activating): Plan {
  const { now, rollout } = input;
  const { steps: settled, failure, actions } = settleSteps(input);
  const steps = skipLost(input, state.at, settled);
  if (failure !== undefined) return halt(rollout, steps, haltCause(failure.kind, failure.sentence, now));
  if (isRegressed(input, steps)) return haltRegressed(input, steps);
  const wave = takingPart(rollout, state.at, steps);
  if (wave.every(({ host }) => stepOf(steps, host).kind === "provisional")) return observe(input, state, steps);
  const outdated = findOutdated(input, wave, steps);
  if (outdated !== undefined) return halt(rollout, steps, haltCause("outdated", outdated, now));
  const blind = blindness(input);
  if (blind === undefined && now >= state.deadline) return haltLate(input, state, steps);
  const granted = grantTurns(input, state, steps, blind);
  const waitingOn = [...(blind ? [blind] : []), ...granted.waitingOn];
  return { next: { ...state, steps: granted.steps }, actions, waitingOn };
}

function observe({ now, rollout }: PlanInput, { at, approvals }: Activating, steps: Steps): Plan {
  const stage = stageAt(rollout, at);
  const soakUntil = after(now, stage.gates.soakMs);
  const deadline = observingDeadline(stage, now);
  const next: RolloutState = { phase: "observing", at, approvals, steps, soakUntil, deadline, since: now };
  return { next, actions: [], waitingOn: [] };
}

/** Something else has been proven on a host since the rollout was planned: going on, and going back, would surprise. */
function findOutdated(input: PlanInput, wave: readonly HostChange[], steps: Steps): string | undefined {
  const { proven } = input;
  if (proven === undefined) return undefined;
  for (const { host, units } of wave) {
    if (stepOf(steps, host).kind !== "pending") continue;
    const other = units.find(({ unit, from }) => proven[hostUnit(host, unit)] !== from);
    if (other !== undefined)
      return `${other.unit} on ${host} has been changed since this rollout was planned; start it again`;
  }
  return undefined;
}

/** Grants host by host in the order of the wave; whoever has to wait says why. */
function grantTurns(
  input: PlanInput,
  state: Activating,
  settled: Steps,
  blind: WaitingOn | undefined,
): { readonly steps: Steps; readonly waitingOn: readonly WaitingOn[] } {
  const { rollout } = input;
  const stage = stageAt(rollout, state.at);
  const waitingOn: WaitingOn[] = [];
  const steps: Record<string, StepState> = { ...settled };
  const room = { stage, taken: takenIn(rollout, stage, settled, countedAgainst), atOnce: stage.maxUnavailable };
  const forwards = withDrained(input);
  for (const change of takingPart(rollout, state.at, settled)) {
    const step = stepOf(steps, change.host);
    const obstacle =
      step.kind === "pending" ? obstacleTo(forwards, state, change, room) : whileActivating(input, state, change, step);
    if (obstacle !== undefined) waitingOn.push(obstacle);
    else if (step.kind === "pending" && blind === undefined) {
      const granted = grantedStep(input, state, stage, change);
      steps[change.host] = granted;
      take(room.taken, rollout, change);
      waitingOn.push(...listed(whileActivating(input, state, change, granted)));
    }
  }
  return { steps, waitingOn };
}

/** Hosts in these steps are not there for their users, or may not be. */
const countedAgainst = ["activating", "withdrawing", "reverting"] as const;

function grantedStep({ rollout, now }: PlanInput, state: Activating, stage: Stage, { host }: HostChange): StepState {
  const grant = grantId(rollout.id, host, rollout.kind === "reboot" ? "reboot" : "activate");
  return { kind: "activating", grant, since: now, confirmBy: confirmBy(stage, state.deadline) };
}

const listed = (one: WaitingOn | undefined): readonly WaitingOn[] => (one === undefined ? [] : [one]);

/** Why this host cannot be granted its step now; to the input drained hosts are unavailable. */
function obstacleTo(input: PlanInput, state: Activating, change: HostChange, room: Room): WaitingOn | undefined {
  const { host } = change;
  const until = state.deadline;
  if (input.hosts[host]?.connected !== true) {
    return { kind: "host", sentence: `waiting for ${host} to report`, hosts: [host], until };
  }
  const other = busyWith(input, change);
  if (other !== undefined) {
    return { kind: "unit-busy", sentence: `${host} is in the hands of rollout ${other}`, hosts: [host], until };
  }
  const drained = drainedItself(input, change);
  if (drained !== undefined) return { ...drained, until };
  if (overrideOf(input.rollout, "capacity", state.at) !== undefined) return undefined;
  return withoutTurn(input, state, change, room);
}

/** Others of the site are unavailable, or have waited longer. */
function withoutTurn(input: PlanInput, state: Activating, change: HostChange, room: Room): WaitingOn | undefined {
  const { host } = change;
  const until = state.deadline;
  const ahead = inTheWay(input, change, room);
  if (ahead.length === 0) return queuedBehind(input, state, change, room);
  const sentence = `${host} waits for its turn after ${nameHosts(ahead)} (at most ${room.atOnce} at a time)`;
  return { kind: "max-unavailable", sentence, hosts: [host], until };
}

/** There is room, but older rollouts wait for it as well. */
function queuedBehind(input: PlanInput, state: Activating, change: HostChange, room: Room): WaitingOn | undefined {
  const [first, ...more] = turnsAhead(input, change, room);
  if (first === undefined) return undefined;
  const hosts = nameHosts([first, ...more].map(({ host }) => host));
  const sentence = `${change.host} waits for its turn after ${hosts} of rollout ${first.rollout}, which is older`;
  return { kind: "max-unavailable", sentence, hosts: [change.host], until: state.deadline };
}

function whileActivating(
  input: PlanInput,
  state: Activating,
  { host }: HostChange,
  step: StepState,
): WaitingOn | undefined {
  if (step.kind !== "activating") return undefined;
  if (input.rollout.kind === "reboot") return whileRebooting(input, state, host);
  const view = input.hosts[host];
  const progress = grantOf(view, step.grant)?.progress;
  const doing = progress?.kind === "preparing" ? `: ${progress.doing}` : "";
  const sentence = view?.connected === true ? `${host} is activating${doing}` : `waiting for ${host} to report`;
  return { kind: "host", sentence, hosts: [host], until: state.deadline };
}

/** How far the host's turn has come. */
function whileRebooting({ reboots = {}, now }: PlanInput, state: Activating, host: string): WaitingOn {
  const turn = reboots[host];
  if (turn?.kind !== "away") {
    const sentence = turn?.kind === "waiting" ? turn.sentence : `${host} gets ready to reboot`;
    return { kind: "reboot", sentence, hosts: [host], until: state.deadline };
  }
  const left = turn.until > now ? `, ${formatDuration(between(now, turn.until))} left` : "";
  const missing = turn.missing.length === 0 ? "" : `: ${turn.missing.join("; ")}`;
  return { kind: "reboot", sentence: `${host} reboots${left}${missing}`, hosts: [host], until: turn.until };
}

function haltLate({ now, rollout }: PlanInput, state: Activating, steps: Steps): Plan {
  const late = takingPart(rollout, state.at, steps)
    .map(({ host }) => host)
    .filter((host) => stepOf(steps, host).kind !== "provisional");
  const sentence = `${nameHosts(late)} did not finish within ${formatDuration(between(state.since, now))}`;
  return halt(rollout, steps, haltCause("deadline", sentence, now));
}
