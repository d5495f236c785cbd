import { after, durationMs } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import type { ActivationInput, ActivationPlan, ActivationState } from "./activation.ts";
import { drainMs } from "./activation-parts.ts";
import { trafficStays } from "./activation-words.ts";
import { goBack, planClearing, planDraining, planRestoring, stopBefore } from "./plan-ending.ts";
import {
  planAwaitingReady,
  planInstalling,
  planProbingBefore,
  planStarting,
  planStartingSuccessors,
} from "./plan-preparing.ts";
import { planProbingAfter, planProvisional, planSwitching } from "./plan-switching.ts";

/**
 * Decides the next step of one grant on its host: at most one change of phase at a time. Same input, same plan.
 * The caller saves `next` before it carries out `actions`, and plans again when `next` differs from `state` or the host has moved.
 */
export function planActivation(input: ActivationInput): ActivationPlan {
  const { word } = input;
  const state = word.kind === "held" ? { ...input.state, grant: word.grant } : input.state;
  const current = { ...input, state };
  return planWord(current) ?? planPhase(current);
}

/** What the intent and the grant's own deadline say, before anything else. */
function planWord(input: ActivationInput): ActivationPlan | undefined {
  const { state } = input;
  switch (state.phase) {
    case "installing":
    case "starting":
    case "awaiting-ready":
    case "starting-successors":
    case "probing-before":
      if (input.word.kind !== "held") return stopBefore(input, { kind: "withdrawn" });
      if (input.facts.cold && state.parts.some(({ from }) => from !== undefined)) return interrupted(input);
      return input.now >= state.grant.confirmBy ? stopBefore(input, { kind: "unconfirmed" }) : undefined;
    case "switching":
    case "probing-after":
      if (input.word.kind === "withdrawn") return goBack(input, state.successors, { kind: "withdrawn" });
      return isOverdue(input) ? goBack(input, state.successors, { kind: "unconfirmed" }) : undefined;
    case "provisional":
      if (input.word.kind === "withdrawn") return goBack(input, state.successors, { kind: "withdrawn" });
      if (input.word.kind === "confirmed") return confirm(input, state);
      return isOverdue(input) ? goBack(input, state.successors, { kind: "unconfirmed" }) : undefined;
    default:
      return undefined;
  }
}

/** What ran before has to come back first, and that is the proven release's turn, not the grant's. */
function interrupted(input: ActivationInput): ActivationPlan {
  const reason = `the host or its keeper restarted while it was being prepared; ${trafficStays(input.state.parts)}`;
  return stopBefore(input, { kind: "failed", touchedTraffic: false, failure: "interrupted", reason });
}

const isOverdue = ({ now, state, word, unconfirmed }: ActivationInput): boolean =>
  word.kind === "held" && unconfirmed === "revert" && state.grant.oneWay === undefined && now >= state.grant.confirmBy;

function confirm(input: ActivationInput, state: Extract<ActivationState, { phase: "provisional" }>): ActivationPlan {
  const { grant, since, parts, notes, successors } = state;
  const deadline = after(input.now, durationMs(drainMs(input)));
  return {
    next: { grant, since, parts, notes, successors, phase: "draining", deadline },
    actions: [],
    waitingOn: [],
  };
}

function planPhase(input: ActivationInput): ActivationPlan {
  const { state } = input;
  switch (state.phase) {
    case "installing":
      return planInstalling(input, state);
    case "starting":
      return planStarting(input, state);
    case "awaiting-ready":
      return planAwaitingReady(input, state);
    case "starting-successors":
      return planStartingSuccessors(input, state);
    case "probing-before":
      return planProbingBefore(input, state);
    case "switching":
      return planSwitching(input, state);
    case "probing-after":
      return planProbingAfter(input, state);
    case "provisional":
      return planProvisional(input, state);
    case "draining":
      return planDraining(input, state);
    case "restoring":
      return planRestoring(input, state);
    case "clearing":
      return planClearing(input, state);
    case "ended":
    case "done":
      return { next: state, actions: [], waitingOn: [] };
    default:
      return unreachable(state);
  }
}
