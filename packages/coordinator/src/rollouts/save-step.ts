import {
  type GateTidings,
  type HostChange,
  type Instant,
  type NewEvent,
  type Plan,
  type PlanInput,
  type Rollout,
  type RolloutAction,
  type RolloutState,
  rolloutEvents,
  type UnitKey,
} from "@sluice/core";
import type { Log } from "@sluice/runtime/logs/open-log";
import { clearBadRelease, writeBadRelease } from "../store/bad-releases.ts";
import { appendEvent } from "../store/event-log.ts";
import { restoreDesired, writeProven } from "../store/host-units.ts";
import { lateFlag, writeFlag } from "../store/meta.ts";
import { type StoredRollout, updateRollout } from "../store/rollouts.ts";
import type { Db, Store } from "../store/store.ts";
import { writeToldGates } from "../store/told.ts";

interface Desk {
  readonly store: Store;
  readonly log: Log;
}

/** A decision about a rollout with everything it looked at, and what there is to tell about its gates. */
export interface Decision {
  readonly stored: StoredRollout;
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly gates: GateTidings;
  readonly over: boolean;
}

/** Saves one decision as a whole: where the rollout is now, what became proven, and the events that tell of it. */
export function saveStep({ store, log }: Desk, { stored, input, plan, gates, over }: Decision): void {
  const at = input.now;
  const { id } = stored.rollout;
  const events = [...gates.events, ...rolloutEvents({ ...input, state: stored.state }, plan)];
  store.transact((db) => {
    updateRollout(db, id, plan.next, over ? at : undefined);
    for (const action of plan.actions) carryOut(db, action, id, at);
    if (over) settleDesired(db, stored.rollout, plan.next);
    writeToldGates(db, id, over ? undefined : gates.told);
    for (const event of events) appendEvent(db, event);
  });
  for (const event of events) tell(log, event);
}

/** A gate has opened or closed, and nothing else has happened: told, and remembered as told. */
export function saveGates({ store, log }: Desk, rollout: string, { events, told }: GateTidings): void {
  store.transact((db) => {
    writeToldGates(db, rollout, told);
    for (const event of events) appendEvent(db, event);
  });
  for (const event of events) tell(log, event);
}

/**
 * What a rollout gave up is wanted no longer: where its releases did not pass, the proven ones are desired again. What it was
 * completed without is noted: it is to follow.
 */
function settleDesired(db: Db, rollout: Rollout, ended: RolloutState): void {
  const changes = rollout.stages.flatMap(({ waves }) => waves.flat());
  const isLate = ({ host }: HostChange) => ended.phase === "completed" && ended.steps[host]?.kind === "skipped";
  for (const { host } of changes.filter(isLate)) writeFlag(db, lateFlag(rollout.id, host), "");
  const hasPassed = ({ host }: HostChange) => ended.steps[host]?.kind === "passed";
  restoreDesired(
    db,
    changes.filter((change) => !hasPassed(change) && !isLate(change)),
  );
}

function carryOut(db: Db, action: RolloutAction, rollout: string, at: Instant): void {
  if (action.kind === "record-proven") {
    for (const { unit, digest } of action.units) {
      writeProven(db, { host: action.host, unit: unit as UnitKey, digest, since: at, rollout });
    }
  }
  if (action.kind === "record-verdict") {
    const { environment, sentence, verdict } = action;
    for (const { unit, digest } of action.units) {
      if (verdict === "good") clearBadRelease(db, { environment, unit, digest });
      else writeBadRelease(db, { environment, unit, digest, sentence, rollout, at });
    }
  }
}

const alarming: readonly string[] = ["rollout.halted", "rollout.held", "step.revert-failed", "page.raised"];

function tell(log: Log, event: NewEvent): void {
  const { kind, sentence, rollout, host } = event;
  if (alarming.includes(kind)) log.error({ rollout, host, sentence }, kind);
  else if (kind === "step.failed") log.warn({ rollout, host, sentence }, kind);
  else log.info({ rollout, host, sentence }, kind);
}
