import { judgeGates, opensByItself, waitingOnGate } from "../gates/judge-gates.ts";
import { blindness } from "./blindness.ts";
import { drainedBefore } from "./drained-hosts.ts";
import { grantId } from "./grant-id.ts";
import { halt, haltCause, haltRegressed, isRegressed } from "./halt.ts";
import { grantOf, type Plan, type PlanInput } from "./plan-input.ts";
import type { HostChange, RolloutState, WaitingOn } from "./rollout.ts";
import { skipLost } from "./skip-lost.ts";
import { activatingDeadline } from "./timings.ts";
import { hostUnit, type InPhase, nameHosts, stageAt, waveAt } from "./wave.ts";

type Waiting = InPhase<RolloutState, "waiting-for-gates">;

/** Starts the wave once every gate is open or overridden and every wave before is confirmed by its hosts. */
export function planWaitingForGates(input: PlanInput, state: Waiting): Plan {
  const { now, rollout } = input;
  const undone = undoneAfterPassing(input, state);
  if (undone !== undefined) return halt(rollout, state.steps, haltCause("unconfirmed", undone, now));
  if (isRegressed(input, state.steps)) return haltRegressed(input, state.steps);
  const blind = blindness(input);
  // Who is lost is skipped once the wave starts: until then it may come back.
  const steps = skipLost(input, state.at, state.steps);
  const gates = judgeGates(input, { ...state, steps });
  const closed = gates.filter((gate) => gate.state === "closed");
  const unconfirmed = missingConfirmations(input, state);
  const waitingOn = [
    ...closed.map((gate) => waitingOnGate(gate, state.deadline)),
    ...unconfirmed,
    ...drainedBefore(input, state.at, steps).map((one) => ({ ...one, until: state.deadline })),
    ...(blind ? [blind] : []),
  ];
  if (waitingOn.length === 0) return { ...start(input, { ...state, steps }), gates };
  const isAnswered = waitingOn.length === closed.length && closed.every(opensByItself);
  if (now < state.deadline || isAnswered || blind !== undefined) return { next: state, actions: [], waitingOn, gates };
  const sentences = waitingOn.map(({ sentence }) => sentence);
  return halt(rollout, state.steps, haltCause("deadline", `the gates stayed closed: ${sentences.join("; ")}`, now));
}

function start({ now, rollout }: PlanInput, { at, approvals, steps }: Waiting): Plan {
  const deadline = activatingDeadline(stageAt(rollout, at), waveAt(rollout, at).length, now);
  return { next: { phase: "activating", at, approvals, steps, deadline, since: now }, actions: [], waitingOn: [] };
}

const changesBefore = ({ rollout }: PlanInput, { at }: Waiting): readonly HostChange[] =>
  rollout.stages.flatMap(({ waves }, stage) =>
    waves.filter((_, wave) => stage < at.stage || (stage === at.stage && wave < at.wave)).flat(),
  );

/** The word that it passed reached a host too late: it says that it went back, and waiting would not change that. */
function undoneAfterPassing(input: PlanInput, state: Waiting): string | undefined {
  for (const change of changesBefore(input, state)) {
    const grant = grantId(input.rollout.id, change.host, "activate");
    const progress = grantOf(input.hosts[change.host], grant)?.progress;
    if (!isUnconfirmed(input, state, change) || progress === undefined) continue;
    if (progress.kind === "unconfirmed")
      return `${change.host}: undid it because the word that it passed came too late`;
    if (progress.kind === "withdrawn")
      return `${change.host}: gave back what passed there, by the word of another coordinator`;
    if (progress.kind === "failed") return `${change.host}: ${progress.reason}; the word that it passed came too late`;
  }
  return undefined;
}

/** A wave that passed counts only once its hosts hold the new releases as proven: else a restart would undo it there. */
function missingConfirmations(input: PlanInput, state: Waiting): readonly WaitingOn[] {
  const hosts = changesBefore(input, state)
    .filter((change) => isUnconfirmed(input, state, change))
    .map(({ host }) => host);
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
