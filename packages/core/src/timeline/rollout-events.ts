import type { Verdict } from "../health/verdict.ts";
import type { Plan, PlanInput } from "../rollout/plan-input.ts";
import type { OperatorVerb, Override, Rollout, RolloutState, StepState } from "../rollout/rollout.ts";
import { canonicalJson } from "../units/canonical-json.ts";
import { durationMs, formatDuration, type Instant } from "../units/time.ts";
import type { NewEvent } from "./event.ts";

/** A rollout and where it was before what is told of. */
export type RolloutBefore = Pick<PlanInput, "rollout" | "state">;

/** The beginning of a rollout, and every check that is off from its beginning. */
export function startEvents(
  { id, kind, by, title, reason, overrides, sites, stages }: Rollout,
  at: Instant,
): readonly NewEvent[] {
  const why = reason === undefined ? "" : `: ${reason}`;
  const hosts = stages.flatMap(({ waves }) => waves.flat().map(({ host }) => host));
  const details = { kind, title, sites, reason, overrides, hosts };
  return [
    { at, kind: "rollout.started", by, sentence: `${by} started ${title}${why}`, rollout: id, details },
    ...overrides.map((override) => ({
      at,
      kind: "rollout.check-overridden",
      by: override.by,
      sentence: `${override.by} overrides ${override.check} for ${title}: ${override.reason}`,
      rollout: id,
      details: override,
    })),
  ];
}

/** A gate that somebody opens for what waits for it. */
export function overrideEvent({ id, title }: Rollout, override: Override, at: Instant): NewEvent {
  const { check, by, reason, environment } = override;
  const sentence = `${by} overrides the gate ${check} of ${title}${environment === undefined ? "" : ` in ${environment}`}: ${reason}`;
  return { at, kind: "rollout.gate-overridden", by, sentence, rollout: id, details: override };
}

/** An operator's word about a rollout, before what it changes. */
export function verbEvent(
  { id, title }: Rollout,
  verb: OperatorVerb,
  { by, role, reason }: { readonly by: string; readonly role?: string; readonly reason?: string },
  at: Instant,
): NewEvent {
  const sentence = `${by} asked to ${verb} ${title}${reason === undefined ? "" : `: ${reason}`}`;
  return { at, kind: `operator.${verb}`, by, sentence, rollout: id, details: { role, reason } };
}

/**
 * The events of one decision about a rollout, to be kept in the transaction that keeps the decision. A decision that
 * moves nothing visible is told as well: longer grants, or the end of an aborted rollout.
 */
export function rolloutEvents(
  before: RolloutBefore & Pick<PlanInput, "now" | "verdict">,
  plan: Plan,
): readonly NewEvent[] {
  const { now: at, verdict } = before;
  const pages = plan.actions.flatMap((action) =>
    action.kind === "page" ? [pageEvent(before, action.sentence, at)] : [],
  );
  const changes = changeEvents(before, plan.next, "coordinator", at).map((event) => withProof(event, plan, verdict));
  const told = [...changes, ...pages];
  return told.length > 0 ? told : [quietEvent(before, plan.next, at)];
}

/** What is different in `next`: the phase or wave, then each host. Told after an operator's word as after a decision. */
export function changeEvents(before: RolloutBefore, next: RolloutState, by: string, at: Instant): readonly NewEvent[] {
  return [...phaseEvent(before, next, by, at), ...stepEvents(before, next, at)];
}

/** What held each gate open when a wave began, and what was known when one passed. */
function withProof(event: NewEvent, { gates, next }: Plan, verdict: Verdict): NewEvent {
  const details = event.details as { readonly from?: string };
  if (event.kind === "rollout.activating" && gates !== undefined) return { ...event, details: { ...details, gates } };
  const passed = details.from === "observing" && (next.phase === "waiting-for-gates" || next.phase === "completed");
  return passed && verdict.kind === "pass" ? { ...event, details: { ...details, evidence: verdict.reasons } } : event;
}

function quietEvent({ rollout, state }: RolloutBefore, next: RolloutState, at: Instant): NewEvent {
  const ended = canonicalJson(next) === canonicalJson(state);
  const sentence = ended ? `${rollout.title} has ended` : `${rollout.title} keeps its grants for longer`;
  return { at, kind: ended ? "rollout.ended" : "rollout.prolonged", by: "coordinator", sentence, rollout: rollout.id };
}

function phaseEvent(
  { rollout, state }: RolloutBefore,
  next: RolloutState,
  by: string,
  at: Instant,
): readonly NewEvent[] {
  const wave = canonicalJson("at" in next ? next.at : null);
  if (next.phase === state.phase && wave === canonicalJson("at" in state ? state.at : null)) return [];
  const cause = "cause" in next ? next.cause : undefined;
  // What stopped it is said once; where it goes from there is said shortly.
  const why = cause === undefined || "cause" in state ? "" : `: ${cause.sentence}`;
  return [
    {
      at,
      kind: `rollout.${next.phase}`,
      by,
      sentence: `${rollout.title} is ${phaseWords(next)}${waveOf(rollout, next)}${why}`,
      rollout: rollout.id,
      details: { from: state.phase, to: next.phase, cause },
    },
  ];
}

const phaseWords = (state: RolloutState): string =>
  state.phase === "aborted" && state.keeps === true ? "ended; what is live stays" : words(state.phase);

function waveOf(rollout: Rollout, next: RolloutState): string {
  if (!("at" in next)) return "";
  const stage = rollout.stages[next.at.stage];
  return stage === undefined ? "" : ` (${stage.environment}, wave ${next.at.wave + 1} of ${stage.waves.length})`;
}

function stepEvents({ rollout, state }: RolloutBefore, next: RolloutState, at: Instant): readonly NewEvent[] {
  return Object.entries(next.steps)
    .filter(([host, step]) => step.kind !== (state.steps[host]?.kind ?? "pending"))
    .map(([host, step]) => ({
      at,
      kind: `step.${step.kind}`,
      by: "coordinator",
      sentence: `${host} is ${words(step.kind)}${reasonOf(step)}`,
      rollout: rollout.id,
      host,
      details: step,
    }));
}

function reasonOf(step: StepState): string {
  if ("reason" in step) return `: ${step.reason}`;
  if (step.kind === "provisional" && step.awayMs !== undefined)
    return `: back from its reboot after ${formatDuration(step.awayMs)}`;
  return step.kind === "provisional" ? `: live, switched in ${formatDuration(durationMs(step.switchMs))}` : "";
}

const words = (kebab: string): string => kebab.replaceAll("-", " ");

function pageEvent({ rollout }: RolloutBefore, sentence: string, at: Instant): NewEvent {
  return { at, kind: "page.raised", by: "coordinator", sentence, rollout: rollout.id };
}
