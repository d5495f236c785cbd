import type { GrantProgress } from "../host/observation.ts";
import { isProgramUnit } from "../intent/intent.ts";
import type { Instant } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";
import { grantOf, type PlanInput, type RolloutAction } from "./plan-input.ts";
import type { HaltCause, HostChange, Rollout, StepState, Steps } from "./rollout.ts";
import { settleReboots } from "./settle-reboots.ts";
import { hostUnit, pending, placedSteps } from "./wave.ts";

/** Steps as the hosts' own words leave them. */
export interface Settled {
  readonly steps: Steps;
  readonly actions: readonly RolloutAction[];
  /** The first step that failed just now, on the way forwards. */
  readonly failure?: { readonly host: string; readonly kind: HaltCause["kind"]; readonly sentence: string };
}

/**
 * Takes over what each host says about its own grant; nothing else moves a step. A host that is silent, or does not
 * speak of the grant, leaves its step as it is.
 */
export function settleSteps(input: PlanInput): Settled {
  if (input.rollout.kind === "reboot") return settleReboots(input);
  const steps: Record<string, StepState> = {};
  const actions: RolloutAction[] = [];
  let failure: Settled["failure"];
  for (const { change, step } of placedSteps(input.rollout, input.state.steps)) {
    const settled = settleStep(input, step, change);
    steps[change.host] = settled;
    if (settled === step) continue;
    actions.push(...actionsOf(input.rollout, change, step, settled));
    if (failure === undefined && settled.kind === "failed") failure = failureOf(change, step, settled, input);
  }
  return failure === undefined ? { steps, actions } : { steps, actions, failure };
}

/** One step after its host's newest word; the same object when nothing changed. */
export function settleStep(input: PlanInput, step: StepState, change: HostChange): StepState {
  const { now } = input;
  const view = input.hosts[change.host];
  switch (step.kind) {
    case "activating":
    case "provisional":
      return settleForwards(step, grantOf(view, step.grant)?.progress, now);
    case "withdrawing":
      if (isWithdrawn(input, step.grant, change)) return { kind: "reverted", at: now };
      return isProvenThere(input, step.grant, change) ? { kind: "revert-failed", at: now, reason: provenThere } : step;
    case "reverting":
      return settleReverting(step, grantOf(view, step.grant)?.progress, now);
    case "pending":
    case "skipped":
    case "passed":
    case "failed":
    case "reverted":
    case "revert-failed":
      return step;
    default:
      return unreachable(step);
  }
}

type Forwards = Extract<StepState, { kind: "activating" | "provisional" }>;

function settleForwards(step: Forwards, progress: GrantProgress | undefined, now: Instant): StepState {
  if (progress === undefined) return step;
  switch (progress.kind) {
    case "preparing":
      return step;
    case "provisional":
      if (step.kind === "provisional") return step;
      return {
        kind: "provisional",
        grant: step.grant,
        since: now,
        confirmBy: step.confirmBy,
        switchMs: progress.switchMs,
      };
    case "failed":
      return { kind: "failed", at: now, reason: progress.reason, touchedTraffic: progress.touchedTraffic };
    case "unconfirmed":
      return { kind: "failed", at: now, reason: "undid it because nobody confirmed it in time", touchedTraffic: true };
    case "withdrawn":
      return { kind: "failed", at: now, reason: "undid it although its grant still stood", touchedTraffic: true };
    default:
      return unreachable(progress);
  }
}

function settleReverting(
  step: Extract<StepState, { kind: "reverting" }>,
  progress: GrantProgress | undefined,
  now: Instant,
): StepState {
  if (progress === undefined) return step;
  switch (progress.kind) {
    case "preparing":
      return step;
    case "provisional":
      return { kind: "reverted", at: now };
    case "failed":
      return { kind: "revert-failed", at: now, reason: progress.reason };
    case "unconfirmed":
      return { kind: "revert-failed", at: now, reason: "undid the revert because nobody confirmed it in time" };
    case "withdrawn":
      return { kind: "revert-failed", at: now, reason: "undid the revert although its grant still stood" };
    default:
      return unreachable(progress);
  }
}

/**
 * Done when the host says so of this very grant, or when it obeys the newest intent, no longer speaks of the grant and
 * runs what it ran before. The host's being on the old release alone proves nothing: the grant may still be on its way.
 */
function isWithdrawn(input: PlanInput, grant: string, change: HostChange): boolean {
  const view = input.hosts[change.host];
  const seen = grantOf(view, grant)?.progress.kind;
  if (seen !== undefined) return seen === "withdrawn" || seen === "failed" || seen === "unconfirmed";
  if (view?.upToDate !== true || view.observation === undefined) return false;
  const { units } = view.observation;
  return change.units.every(({ unit, from }) => {
    const before = input.proven === undefined ? from : input.proven[hostUnit(change.host, unit)];
    return units.find((candidate) => candidate.unit === unit)?.running?.digest === before;
  });
}

const provenThere =
  "it holds the new release for proven, by the word of another coordinator; only a rollout changes that";

/**
 * The host obeys the newest intent and holds the withdrawn release for proven all the same: a coordinator with another
 * store confirmed it. It goes back by no withdrawal, and waiting for that would keep the units from every other rollout.
 */
function isProvenThere(input: PlanInput, grant: string, change: HostChange): boolean {
  const view = input.hosts[change.host];
  if (view?.upToDate !== true || view.observation === undefined || grantOf(view, grant) !== undefined) return false;
  const { units } = view.observation;
  return change.units.every(({ unit, from, to }) => {
    const seen = units.find((candidate) => candidate.unit === unit);
    return from !== undefined && from !== to && seen?.proven === to && seen.running?.digest === to;
  });
}

function actionsOf(rollout: Rollout, change: HostChange, was: StepState, is: StepState): readonly RolloutAction[] {
  if (was.kind === "reverting" && is.kind === "reverted") {
    const units = change.units.map(({ unit, from }) => ({ unit, digest: from }));
    return [{ kind: "record-proven", host: change.host, units }];
  }
  if (is.kind !== "revert-failed") return [];
  const sentence = `${rollout.title} (rollout ${rollout.id}): ${change.host} cannot go back: ${is.reason}`;
  return [{ kind: "page", sentence }];
}

/** Programs of Sluice's own never serve anybody. */
const untouchedWords = (units: HostChange["units"]): string =>
  units.every(({ unit }) => isProgramUnit(unit))
    ? "what users reach was not touched"
    : "it never served a request there";

function failureOf(
  { host, units }: HostChange,
  was: StepState,
  is: Extract<StepState, { kind: "failed" }>,
  input: PlanInput,
): NonNullable<Settled["failure"]> {
  const grant = was.kind === "activating" || was.kind === "provisional" ? was.grant : "";
  const unconfirmed = grantOf(input.hosts[host], grant)?.progress.kind === "unconfirmed";
  const traffic = is.touchedTraffic ? "" : `; ${untouchedWords(units)}`;
  return { host, kind: unconfirmed ? "unconfirmed" : "step-failed", sentence: `${host}: ${is.reason}${traffic}` };
}

/** The step of a host; hosts without one have not been touched. */
export const stepOf = (steps: Steps, host: string): StepState => steps[host] ?? pending;
