import { approvalWords, approversOf } from "../gates/approvals.ts";
import type { ProblemReason } from "../problems/problem.ts";
import type { Instant } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import { haltCause } from "./halt.ts";
import { startReverting, withdrawn } from "./plan-halted.ts";
import type { PlanInput } from "./plan-input.ts";
import { refusal } from "./refusal.ts";
import { resumed } from "./resumed.ts";
import type { OperatorVerb, Rollout, RolloutState } from "./rollout.ts";
import { type InPhase, nameHosts, stageAt } from "./wave.ts";
import { noWayBack } from "./way-back.ts";

/** Who asks for it, and why. */
export interface VerbContext {
  readonly by: string;
  /** The role an approval is given in. */
  readonly role?: string;
  readonly reason?: string;
  readonly now: Instant;
  /** The asker's role allows to do what a rule forbids; absent: it does not. */
  readonly mayOverride?: boolean;
}

/** Why an operator's word is not followed: a reason of the catalogue and a sentence that says what to do. */
export interface VerbRefusal {
  readonly reason: Extract<ProblemReason, "verb-refused" | "role-missing" | "reason-missing">;
  readonly sentence: string;
}

export type VerbOutcome = { readonly state: RolloutState } | { readonly refusal: VerbRefusal };

/** What of the plan's input an operator's word is judged by. */
export type VerbInput = Pick<PlanInput, "rollout" | "state" | "verdict" | "badReleases">;

/** Carries out an operator's word on a rollout, or says why not. The caller saves the state and plans again. */
export function applyVerb(input: VerbInput, verb: OperatorVerb, context: VerbContext): VerbOutcome {
  const { rollout, state } = input;
  const why = refusal(verb, state.phase);
  if (why !== undefined) return refuse("verb-refused", `rollout ${rollout.id}: ${why}`);
  switch (verb) {
    case "approve":
      return approve(rollout, state, context);
    case "ack":
      return acknowledge(rollout, state, context);
    case "promote":
      return promote(input, context);
    case "pause":
      return pause(state, context);
    case "resume":
      return resume(rollout, state, context);
    case "abort":
      return onlyOverriding(input, verb, context) ?? abort(state, context);
    case "revert":
      return onlyOverriding(input, verb, context) ?? revert(rollout, state, context);
    case "keep":
      return mayOverride(rollout, verb, "it makes proven what no verdict passed", context) ?? keep(state, context);
    default:
      return unreachable(verb);
  }
}

const refuse = (reason: VerbRefusal["reason"], sentence: string): VerbOutcome => ({ refusal: { reason, sentence } });

/** `refusal` has let only the phases through that the verb allows. */
function mustBe<Name extends RolloutState["phase"]>(
  state: RolloutState,
  ...phases: Name[]
): InPhase<RolloutState, Name> {
  if (!phases.some((phase) => phase === state.phase)) throw new TypeError(`unexpected phase ${state.phase}`);
  return state as InPhase<RolloutState, Name>;
}

function approve(rollout: Rollout, anyState: RolloutState, { by, role, reason, now }: VerbContext): VerbOutcome {
  const state = mustBe(anyState, "waiting-for-gates");
  const { environment, gates } = stageAt(rollout, state.at);
  if (gates.approval.length === 0) {
    return refuse("verb-refused", `rollout ${rollout.id}: ${environment} asks for no approval`);
  }
  const rule = gates.approval.find((one) => one.role === role);
  if (role === undefined || rule === undefined) {
    const given = role === undefined ? "no role was given" : `'${role}' is none of them`;
    const asked = gates.approval.map(approvalWords).join(" and ");
    return refuse("role-missing", `${environment} asks for the approval of ${asked}; ${given}`);
  }
  const approvers = approversOf(rollout, state, role);
  if (approvers.length >= rule.count) return { state };
  if (approvers.includes(by)) {
    return refuse("role-missing", `${by} has approved ${environment} as ${role} already; it takes another person`);
  }
  const why = reason === undefined ? {} : { reason };
  return { state: { ...state, approvals: [...state.approvals, { by, role, environment, at: now, ...why }] } };
}

/** Somebody on call watches from now on; how long that holds is the environment's to say. */
function acknowledge(rollout: Rollout, anyState: RolloutState, { by, now }: VerbContext): VerbOutcome {
  const state = mustBe(anyState, "waiting-for-gates");
  const { environment, gates } = stageAt(rollout, state.at);
  if (gates.attendedWithinMs === undefined) {
    return refuse("verb-refused", `rollout ${rollout.id}: ${environment} asks for nobody's attendance`);
  }
  if (state.at.wave > 0) {
    return refuse("verb-refused", `rollout ${rollout.id}: ${environment} has begun, attended before its first wave`);
  }
  return { state: { ...state, attendance: { by, at: now } } };
}

/** Ends the soak and does without more evidence, never against a regression. */
function promote({ rollout, state: anyState, verdict }: VerbInput, { by, reason, now }: VerbContext): VerbOutcome {
  const state = mustBe(anyState, "observing");
  if (reason === undefined)
    return refuse("reason-missing", `cannot promote rollout ${rollout.id} without a reason; give one with --reason`);
  if (verdict.kind === "regressed") {
    return refuse(
      "verb-refused",
      `cannot promote rollout ${rollout.id}: ${verdict.reasons[0] ?? "health is worse than before"}`,
    );
  }
  return { state: { ...state, promoted: { by, reason, at: now } } };
}

function pause(anyState: RolloutState, { by, reason, now }: VerbContext): VerbOutcome {
  const state = mustBe(anyState, "waiting-for-gates", "activating", "observing");
  return {
    state: {
      phase: "paused",
      by,
      reason: reason ?? "no reason given",
      resumeTo: state,
      steps: state.steps,
      since: now,
    },
  };
}

/** Whoever resumes what stopped because everything is ill has seen that: the wave is not stopped for it again. */
function resume(rollout: Rollout, anyState: RolloutState, { now }: VerbContext): VerbOutcome {
  const paused = mustBe(anyState, "paused");
  const state = resumed(rollout, paused, now);
  const accepted = paused.byHealth === true && state.phase === "observing";
  return { state: accepted ? { ...state, acceptsUnhealthy: true } : state };
}

/** Taking back what has no way back is for a person who may override, and says why. */
function onlyOverriding(input: VerbInput, verb: "abort" | "revert", context: VerbContext): VerbOutcome | undefined {
  const { steps } = input.state;
  // An abort takes back nothing that has passed.
  const touched = Object.entries(steps).filter(([, { kind }]) => verb === "revert" || kind !== "passed");
  const stays = noWayBack(input, Object.fromEntries(touched));
  if (stays === undefined) return undefined;
  const why = `${stays.why}, and ${nameHosts(stays.hosts)} may run it already`;
  return mayOverride(input.rollout, verb, why, context);
}

/** Refuses those whose role is not enough, and those who give no reason. */
function mayOverride(
  { id }: Rollout,
  verb: OperatorVerb,
  why: string,
  { by, reason, mayOverride }: VerbContext,
): VerbOutcome | undefined {
  if (mayOverride !== true)
    return refuse("role-missing", `cannot ${verb} rollout ${id} as ${by}: ${why}; it takes a role that may override`);
  if (reason === undefined || reason.trim() === "")
    return refuse("reason-missing", `cannot ${verb} rollout ${id} without a reason: ${why}; give one with --reason`);
  return undefined;
}

/** Ends it; what is live on trial stays and is proven, what is only being prepared is taken back. */
function keep(anyState: RolloutState, { by, reason = "no reason given", now }: VerbContext): VerbOutcome {
  const { steps } = mustBe(anyState, "held");
  const stay = Object.entries(steps).filter(([, { kind }]) => kind === "provisional");
  return {
    state: {
      phase: "aborted",
      by,
      reason,
      keeps: true,
      steps: { ...withdrawn(steps, now), ...Object.fromEntries(stay) },
      since: now,
    },
  };
}

function abort(state: RolloutState, { by, reason, now }: VerbContext): VerbOutcome {
  return {
    state: {
      phase: "aborted",
      by,
      reason: reason ?? "no reason given",
      steps: withdrawn(state.steps, now),
      since: now,
    },
  };
}

function revert(rollout: Rollout, state: RolloutState, { by, reason, now }: VerbContext): VerbOutcome {
  const cause = haltCause("operator", `reverted by ${by}${reason === undefined ? "" : `: ${reason}`}`, now);
  return { state: startReverting(rollout, state.steps, cause, now) };
}
