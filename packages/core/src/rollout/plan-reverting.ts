import type { Instant } from "../units/time.ts";
import { blindness } from "./blindness.ts";
import { busyWith, inTheWay, type Room, take, takenIn } from "./capacity.ts";
import { describeHosts } from "./describe-rollout.ts";
import { grantId } from "./grant-id.ts";
import type { Plan, PlanInput, RolloutAction } from "./plan-input.ts";
import type { HaltCause, HostChange, Rollout, RolloutState, Stage, StepState, Steps, WaitingOn } from "./rollout.ts";
import { settleSteps } from "./settle-steps.ts";
import { revertConfirmBy, revertsAtOnce } from "./timings.ts";
import { hostUnit, type InPhase, nameHosts, type Placed, placedSteps } from "./wave.ts";

type Reverting = InPhase<RolloutState, "reverting">;

/**
 * Takes back what the rollout changed: first what was on trial, then what passed, only to releases that were proven on
 * that host before. A rollout that ended by a deadline takes back only what was on trial: silence destroys nothing.
 * When going back fails on one host no further one is sent back: what fails there may fail everywhere, and a person looks.
 */
export function planReverting(input: PlanInput, state: Reverting): Plan {
  const { now } = input;
  const settled = settleSteps(input);
  const turns = revertTurns(input, state, settled.steps);
  const actions = [...settled.actions, ...turns.actions];
  const waitingOn = [...withdrawals(input, turns.steps, state), ...turns.waitingOn];
  if (waitingOn.length === 0) return end(input, state, turns.steps, actions);
  const late = now >= state.deadline && blindness(input) === undefined;
  return late
    ? giveUp(input, state, turns.steps, actions, waitingOn)
    : { next: { ...state, steps: turns.steps }, actions, waitingOn };
}

/** Hosts that have not said yet that their grant is withdrawn or their revert is live. */
export function withdrawals(
  input: PlanInput,
  steps: Steps,
  state: { readonly deadline?: Reverting["deadline"] },
): readonly WaitingOn[] {
  const hosts = placedSteps(input.rollout, { ...steps })
    .filter(({ step }) => step.kind === "withdrawing" || step.kind === "reverting")
    .map(({ change }) => change.host);
  if (hosts.length === 0) return [];
  const until = state.deadline === undefined ? {} : { until: state.deadline };
  return [
    { kind: "withdrawal", sentence: `waiting for ${nameHosts(hosts)} to be back on what ran before`, hosts, ...until },
  ];
}

interface Turns {
  readonly steps: Steps;
  readonly actions: readonly RolloutAction[];
  readonly waitingOn: readonly WaitingOn[];
}

function revertTurns(input: PlanInput, state: Reverting, settled: Steps): Turns {
  if (hasFailed(settled, state.since)) return { steps: settled, actions: [], waitingOn: [] };
  const actions: RolloutAction[] = [];
  const waitingOn: WaitingOn[] = [];
  const steps: Record<string, StepState> = { ...settled };
  const rooms = roomsIn(input.rollout, settled);
  for (const placed of placedSteps(input.rollout, settled)) {
    if (!isToRevert(input, state, placed)) continue;
    const room = rooms(placed.stage);
    const obstacle = obstacleTo(input, state, placed, room);
    if (obstacle !== undefined) {
      waitingOn.push(obstacle);
      continue;
    }
    const turn = revertStep(input, placed.stage, placed.change);
    steps[placed.change.host] = turn.step;
    if (turn.step.kind === "reverting") take(room.taken, input.rollout, placed.change);
    actions.push(...turn.actions);
  }
  return { steps, actions, waitingOn };
}

/** The room of each stage, as the steps leave it. */
function roomsIn(rollout: Rollout, steps: Steps): (stage: Stage) => Room {
  const rooms = new Map<Stage, Room>();
  return (stage) => {
    const known = rooms.get(stage);
    if (known !== undefined) return known;
    const taken = takenIn(rollout, stage, steps, ["activating", "reverting"]);
    const room = { stage, taken, atOnce: revertsAtOnce(stage) };
    rooms.set(stage, room);
    return room;
  };
}

/** Whoever says again that it is to go back knows what failed before. */
const hasFailed = (steps: Steps, since: Instant): boolean =>
  Object.values(steps).some((step) => step.kind === "revert-failed" && step.at >= since);

const blamesPassed = ({ kind }: HaltCause): boolean => kind !== "deadline" && kind !== "outdated";

/** It passed, something else ran there before, and no later rollout has proven anything else since. */
function isToRevert(input: PlanInput, { cause }: Reverting, { change, step }: Placed): boolean {
  if (step.kind !== "passed" || !blamesPassed(cause)) return false;
  if (change.units.every(({ from, to, renews }) => from === to && renews === undefined)) return false;
  return change.units.every(({ unit, to }) => (input.proven?.[hostUnit(change.host, unit)] ?? to) === to);
}

function obstacleTo(
  input: PlanInput,
  { deadline: until }: Reverting,
  { change }: Placed,
  room: Room,
): WaitingOn | undefined {
  const { host } = change;
  const hosts = [host];
  if (input.hosts[host]?.connected !== true)
    return { kind: "host", sentence: `waiting for ${host} to report`, hosts, until };
  const other = busyWith(input, change);
  if (other !== undefined)
    return { kind: "unit-busy", sentence: `${host} is in the hands of rollout ${other}`, hosts, until };
  const ahead = inTheWay(input, change, room);
  if (ahead.length === 0) return undefined;
  const sentence = `${host} goes back after ${nameHosts(ahead)} (at most ${room.atOnce} at a time)`;
  return { kind: "max-unavailable", sentence, hosts, until };
}

/** A grant for what ran before; where nothing ran before there is nothing to grant and the units just stop. */
function revertStep(
  { now, rollout }: PlanInput,
  stage: Stage,
  change: HostChange,
): { readonly step: StepState; readonly actions: readonly RolloutAction[] } {
  const grant = grantId(rollout.id, change.host, "revert");
  if (change.units.some(({ from }) => from !== undefined)) {
    return { step: { kind: "reverting", grant, since: now, confirmBy: revertConfirmBy(stage, now) }, actions: [] };
  }
  const units = change.units.map(({ unit }) => ({ unit, digest: undefined }));
  return {
    step: { kind: "withdrawing", grant, since: now },
    actions: [{ kind: "record-proven", host: change.host, units }],
  };
}

/** Nothing is out any more. A host that could not go back, or was left on the new release, is a person's to look at. */
function end(input: PlanInput, state: Reverting, steps: Steps, actions: readonly RolloutAction[]): Plan {
  const { cause } = state;
  const left = placedSteps(input.rollout, steps).some(
    ({ step }) => step.kind === "revert-failed" || (step.kind === "passed" && !blamesPassed(cause)),
  );
  const next: RolloutState = { phase: left ? "held" : "reverted", cause, steps, since: input.now };
  if (!hasFailed(steps, state.since)) return { next, actions, waitingOn: [] };
  // One call that tells of every host, instead of one for the host that failed last and another for all.
  const others = actions.filter(({ kind }) => kind !== "page");
  return { next, actions: [...others, pageStuck(input, steps, "could not go back everywhere")], waitingOn: [] };
}

function giveUp(
  input: PlanInput,
  state: Reverting,
  steps: Steps,
  actions: readonly RolloutAction[],
  waitingOn: readonly WaitingOn[],
): Plan {
  const why = waitingOn.map(({ sentence }) => sentence).join("; ");
  const next: RolloutState = { phase: "held", cause: state.cause, steps, since: input.now };
  const page = pageStuck(input, steps, `could not go back everywhere in time: ${why}`);
  return { next, actions: [...actions, page], waitingOn: [] };
}

/** Calls somebody who has to know at once what runs where. */
function pageStuck({ rollout }: PlanInput, steps: Steps, what: string): RolloutAction {
  const states = describeHosts(rollout, steps);
  const sentence = `${rollout.title} (rollout ${rollout.id}) ${what}; now ${states}; nothing goes back any more: mend the hosts, then sluice rollout abort ${rollout.id} and deploy what they are to run`;
  return { kind: "page", sentence };
}
