import {
  canonicalJson,
  type Instant,
  type Plan,
  type Rollout,
  type RolloutAction,
  type RolloutState,
  type StepState,
  type UnitKey,
} from "@sluice/core";
import { hostUnit } from "@sluice/core/rollout/wave";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { appendEvent, type NewEvent } from "../store/event-log.ts";
import { readDesired, readProven, writeDesired, writeProven } from "../store/host-units.ts";
import { type StoredRollout, updateRollout } from "../store/rollouts.ts";
import type { Db, Store } from "../store/store.ts";

interface Desk {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** Saves one decision as a whole: where the rollout is now, what became proven, and the events that tell of it. */
export function saveStep({ store, clock, log }: Desk, stored: StoredRollout, plan: Plan, over: boolean): void {
  const at = clock.now();
  const events = eventsOf(stored, plan, at);
  store.transact((db) => {
    updateRollout(db, stored.rollout.id, plan.next, over ? at : undefined);
    for (const action of plan.actions) carryOut(db, action, stored.rollout.id, at);
    if (over) settleDesired(db, stored.rollout, plan.next);
    for (const event of events) appendEvent(db, event);
  });
  for (const event of events) tell(log, event);
}

/** The events of an operator's word, which changes the state by itself. */
export function phaseEvents(stored: StoredRollout, next: RolloutState, by: string, at: Instant): readonly NewEvent[] {
  return [...phaseEvent(stored, next, by, at), ...stepEvents(stored, next, at)];
}

/** With what held each gate open when a wave began. */
const withGates = (event: NewEvent, { gates }: Plan): NewEvent =>
  event.kind === "rollout.activating" && gates !== undefined
    ? { ...event, details: { ...(event.details as object), gates } }
    : event;

function eventsOf(stored: StoredRollout, plan: Plan, at: Instant): readonly NewEvent[] {
  const pages = plan.actions.flatMap((action) =>
    action.kind === "page" ? [pageEvent(stored, action.sentence, at)] : [],
  );
  const told = [...phaseEvents(stored, plan.next, "coordinator", at).map((event) => withGates(event, plan)), ...pages];
  return told.length > 0 ? told : [quietEvent(stored, plan.next, at)];
}

/** A decision that moves nothing visible is an entry of the log all the same: longer grants, or the end of an aborted rollout. */
function quietEvent({ rollout, state }: StoredRollout, next: RolloutState, at: Instant): NewEvent {
  const ended = canonicalJson(next) === canonicalJson(state);
  const sentence = ended ? `${rollout.title} has ended` : `${rollout.title} keeps its grants for longer`;
  return { at, kind: ended ? "rollout.ended" : "rollout.prolonged", by: "coordinator", sentence, rollout: rollout.id };
}

function phaseEvent(
  { rollout, state }: StoredRollout,
  next: RolloutState,
  by: string,
  at: Instant,
): readonly NewEvent[] {
  const wave = canonicalJson("at" in next ? next.at : null);
  if (next.phase === state.phase && wave === canonicalJson("at" in state ? state.at : null)) return [];
  const cause = "cause" in next ? next.cause : undefined;
  const why = cause === undefined ? "" : `: ${cause.sentence}`;
  return [
    {
      at,
      kind: `rollout.${next.phase}`,
      by,
      sentence: `${rollout.title} is ${words(next.phase)}${waveOf(rollout, next)}${why}`,
      rollout: rollout.id,
      details: { from: state.phase, to: next.phase, cause },
    },
  ];
}

function waveOf(rollout: StoredRollout["rollout"], next: RolloutState): string {
  if (!("at" in next)) return "";
  const stage = rollout.stages[next.at.stage];
  return stage === undefined ? "" : ` (${stage.environment}, wave ${next.at.wave + 1} of ${stage.waves.length})`;
}

function stepEvents({ rollout, state }: StoredRollout, next: RolloutState, at: Instant): readonly NewEvent[] {
  return Object.entries(next.steps)
    .filter(([host, step]) => step.kind !== state.steps[host]?.kind)
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

const reasonOf = (step: StepState): string => ("reason" in step ? `: ${step.reason}` : "");
const words = (kebab: string): string => kebab.replaceAll("-", " ");

function pageEvent({ rollout }: StoredRollout, sentence: string, at: Instant): NewEvent {
  return { at, kind: "page.raised", by: "coordinator", sentence, rollout: rollout.id };
}

/** What a rollout gave up is wanted no longer: where its releases did not pass, the proven ones are desired again. */
function settleDesired(db: Db, rollout: Rollout, ended: RolloutState): void {
  const proven = new Map(readProven(db).map((one) => [hostUnit(one.host, one.unit), one.digest]));
  const wanted = new Map(readDesired(db).map((one) => [hostUnit(one.host, one.unit), one.digest]));
  for (const { host, units } of rollout.stages.flatMap(({ waves }) => waves.flat())) {
    if (ended.steps[host]?.kind === "passed") continue;
    for (const { unit, to } of units) {
      const key = hostUnit(host, unit);
      if (wanted.get(key) === to) writeDesired(db, { host, unit, digest: proven.get(key) });
    }
  }
}

function carryOut(db: Db, action: RolloutAction, rollout: string, at: Instant): void {
  if (action.kind !== "record-proven") return;
  for (const { unit, digest } of action.units) {
    writeProven(db, { host: action.host, unit: unit as UnitKey, digest, since: at, rollout });
  }
}

const alarming: readonly string[] = ["rollout.halted", "rollout.held", "step.revert-failed", "page.raised"];

function tell(log: Log, event: NewEvent): void {
  const { kind, sentence, rollout, host } = event;
  if (alarming.includes(kind)) log.error({ rollout, host, sentence }, kind);
  else if (kind === "step.failed") log.warn({ rollout, host, sentence }, kind);
  else log.info({ rollout, host, sentence }, kind);
}
