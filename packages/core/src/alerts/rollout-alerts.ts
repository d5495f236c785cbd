import type { GateState } from "../gates/gate.ts";
import { describeHosts } from "../rollout/describe-rollout.ts";
import type { Rollout, RolloutState, StepState, Steps } from "../rollout/rollout.ts";
import { type InPhase, isTouched, placedSteps } from "../rollout/wave.ts";
import { noWayBack, noWayBackSentence } from "../rollout/way-back.ts";
import { type DurationMs, type Instant, minutes } from "../units/time.ts";
import type { Alert, AlertLabels, AlertName } from "./alert.ts";
import type { AlertFacts, RolloutFacts } from "./alert-facts.ts";

/** How long it is news that a rollout was stopped before any user met it, when nothing follows it. */
export const revertedForMs: DurationMs = minutes(24 * 60);

/** So long after everything is back a halt is still told: one that is over within a second was one all the same. */
const haltedForMs: DurationMs = minutes(5);

/** Gates that no time opens: somebody has to say or mend something. */
const gatesOfPeople: readonly GateState["gate"][] = ["approval", "attended", "representativeness"];

/** What a rollout that stopped, went back or waits has to tell. Nothing of what a person ordered. */
export function rolloutAlerts(facts: RolloutFacts, { now, badReleases }: AlertFacts): readonly Alert[] {
  const { rollout, state, gates } = facts;
  switch (state.phase) {
    case "halted":
    case "reverting":
    case "reverted":
      return stoppedAlerts(facts, state, now);
    case "held":
      return [heldAlert(facts, state, badReleases)];
    case "paused":
      return state.byHealth === true
        ? [tell(facts, "SluiceRolloutPausedByHealth", pausedWords(rollout, state), state.since)]
        : [];
    case "waiting-for-gates":
      return gates
        .filter(
          ({ gate, state: is, opensAt }) => is === "closed" && opensAt === undefined && gatesOfPeople.includes(gate),
        )
        .slice(0, 1)
        .map((gate) => tell(facts, "SluiceGateWaiting", gateWords(rollout, gates, gate), state.since));
    default:
      return [];
  }
}

type Stopped = InPhase<RolloutState, "halted" | "reverting" | "reverted">;

/** A page where users may have met it, else a notice: nobody has to get up for what was refused at the door. */
function stoppedAlerts(facts: RolloutFacts, state: Stopped, now: Instant): readonly Alert[] {
  const { rollout, isFollowed } = facts;
  const { cause, steps, since } = state;
  const isOver = (forMs: DurationMs): boolean => state.phase === "reverted" && now - since >= forMs;
  if (Object.values(steps).some(mayHaveMet)) {
    return isOver(haltedForMs) ? [] : [tell(facts, "SluiceRolloutHalted", haltedWords(rollout, state), cause.at)];
  }
  const sentence = `${nameOf(rollout)} was stopped before any user met it: ${cause.sentence}; sluice rollout show ${rollout.id}`;
  return isFollowed || isOver(revertedForMs) ? [] : [tell(facts, "SluiceRolloutRefused", sentence, cause.at)];
}

const mayHaveMet = (step: StepState): boolean =>
  step.kind === "failed" ? step.touchedTraffic : isTouched(step) && step.kind !== "activating";

function heldAlert(
  facts: RolloutFacts,
  { steps, cause, since }: InPhase<RolloutState, "held">,
  badReleases: AlertFacts["badReleases"],
): Alert {
  const { rollout } = facts;
  const named = nameOf(rollout);
  if (isStuck(steps)) {
    const sentence = `${named} could not go back everywhere after: ${cause.sentence}; now ${describeHosts(rollout, steps)}; nothing goes back any more: mend the hosts, then sluice rollout abort ${rollout.id} and deploy what they are to run`;
    return tell(facts, "SluiceRevertFailed", sentence, since);
  }
  const stays = noWayBack({ rollout, badReleases }, steps);
  if (stays !== undefined) {
    return tell(facts, "SluiceNoWayBack", `${cause.sentence}; ${noWayBackSentence(rollout, stays)}`, since);
  }
  const sentence = `${named} is held after: ${cause.sentence}; now ${describeHosts(rollout, steps)}; revert, keep or abort it: sluice rollout show ${rollout.id}`;
  return tell(facts, "SluiceRolloutHeld", sentence, since);
}

/** Something was to go back and did not. */
const isStuck = (steps: Steps): boolean =>
  Object.values(steps).some(({ kind }) => kind === "revert-failed" || kind === "withdrawing" || kind === "reverting");

const nameOf = ({ title, id }: Rollout): string => `${title} (rollout ${id})`;

function haltedWords(rollout: Rollout, { phase, cause, steps }: Stopped): string {
  const words = {
    halted: "is halted",
    reverting: "is halted and going back",
    reverted: "was halted and went back by itself",
  };
  return `${nameOf(rollout)} ${words[phase]}: ${cause.sentence}; now ${describeHosts(rollout, steps)}`;
}

const pausedWords = (rollout: Rollout, { reason }: InPhase<RolloutState, "paused">): string =>
  `${nameOf(rollout)} paused, nothing was reverted: ${reason}; it goes on by itself when they are well; or resume, revert or abort it`;

function gateWords(rollout: Rollout, gates: readonly GateState[], gate: GateState): string {
  const others = gates
    .filter(({ state, gate: other }) => state === "closed" && other !== gate.gate)
    .map(({ gate: name }) => name);
  const besides = others.length === 0 ? "" : ` (closed as well: ${others.join(", ")})`;
  return `${nameOf(rollout)} waits before ${gate.environment}: ${gate.sentence}${besides}`;
}

function tell({ rollout, state }: RolloutFacts, name: AlertName, sentence: string, since: Instant): Alert {
  return { name, labels: labelsOf(rollout, state), sentence, since };
}

function labelsOf(rollout: Rollout, state: RolloutState): AlertLabels {
  const touched = placedSteps(rollout, state.steps).filter(({ step }) => isTouched(step));
  const environment = "at" in state ? rollout.stages[state.at.stage]?.environment : touched.at(-1)?.stage.environment;
  return {
    rollout: rollout.id,
    ...(rollout.sites.length === 0 ? {} : { site: rollout.sites.join(",") }),
    ...(environment === undefined ? {} : { environment }),
  };
}
