import { blindness } from "./blindness.ts";
import { halt, haltCause } from "./halt.ts";
import type { Plan, PlanInput } from "./plan-input.ts";
import type { HostChange, RolloutState, WaitingOn } from "./rollout.ts";
import { activatingDeadline } from "./timings.ts";
import { hostUnit, type InPhase, nameHosts, stageAt, waveAt } from "./wave.ts";

type Waiting = InPhase<RolloutState, "waiting-for-gates">;

/** Starts the wave once every role has approved its environment and every wave before is confirmed by its hosts. */
export function planWaitingForGates(input: PlanInput, state: Waiting): Plan {
  const { now, rollout } = input;
  const blind = blindness(input);
  const waitingOn = [
    ...missingApprovals(input, state),
    ...missingConfirmations(input, state),
    ...(blind ? [blind] : []),
  ];
  if (waitingOn.length === 0) return start(input, state);
  if (now < state.deadline || blind !== undefined) return { next: state, actions: [], waitingOn };
  const sentences = waitingOn.map(({ sentence }) => sentence);
  return halt(rollout, state.steps, haltCause("deadline", `the gates stayed closed: ${sentences.join("; ")}`, now));
}

function start({ now, rollout }: PlanInput, { at, approvals, steps }: Waiting): Plan {
  const deadline = activatingDeadline(stageAt(rollout, at), waveAt(rollout, at).length, now);
  return { next: { phase: "activating", at, approvals, steps, deadline, since: now }, actions: [], waitingOn: [] };
}

/** Roles of the wave's environment that have not approved it yet. */
export function rolesMissing(
  rollout: PlanInput["rollout"],
  state: Pick<Waiting, "at" | "approvals">,
): readonly string[] {
  const { environment, gates } = stageAt(rollout, state.at);
  const given = new Set(state.approvals.filter((one) => one.environment === environment).map(({ role }) => role));
  return gates.approval.filter((role) => !given.has(role));
}

function missingApprovals({ rollout }: PlanInput, state: Waiting): readonly WaitingOn[] {
  const { environment } = stageAt(rollout, state.at);
  return rolesMissing(rollout, state).map((role) => ({
    kind: "approval",
    sentence: `${environment} needs the approval of a ${role}`,
    hosts: [],
    until: state.deadline,
  }));
}

/** A wave that passed counts only once its hosts hold the new releases as proven: else a restart would undo it there. */
function missingConfirmations(input: PlanInput, state: Waiting): readonly WaitingOn[] {
  const before = input.rollout.stages.flatMap(({ waves }, stage) =>
    waves.filter((_, wave) => stage < state.at.stage || (stage === state.at.stage && wave < state.at.wave)).flat(),
  );
  const hosts = before.filter((change) => isUnconfirmed(input, state, change)).map(({ host }) => host);
  if (hosts.length === 0) return [];
  const sentence = `waiting for ${nameHosts(hosts)} to acknowledge what passed there`;
  return [{ kind: "confirm", sentence, hosts, until: state.deadline }];
}

function isUnconfirmed(input: PlanInput, { steps }: Waiting, change: HostChange): boolean {
  if (steps[change.host]?.kind !== "passed") return false;
  const units = input.hosts[change.host]?.observation?.units ?? [];
  return change.units.some(({ unit, to }) => {
    const superseded = (input.proven?.[hostUnit(change.host, unit)] ?? to) !== to;
    return !superseded && units.find((seen) => seen.unit === unit)?.proven !== to;
  });
}
