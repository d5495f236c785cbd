import type { PlanInput } from "./plan-input.ts";
import type { HostChange, Rollout, RolloutState, Stage } from "./rollout.ts";
import { hostUnit, placedSteps } from "./wave.ts";
import { releaseIn } from "./way-back.ts";

/** A host that a completed rollout skipped, and what has become of everything since. */
export interface LateHost {
  readonly rollout: Rollout;
  readonly state: RolloutState;
  readonly host: string;
  /** It is heard of now. */
  readonly isConnected: boolean;
  /** It belongs to the environment still. */
  readonly isThere: boolean;
  /** Digest proven now by `host/unit`. */
  readonly proven: NonNullable<PlanInput["proven"]>;
  readonly badReleases: NonNullable<PlanInput["badReleases"]>;
  /** A later rollout that has one of its units on this host. */
  readonly laterRollout?: string;
  /** Another rollout that is changing one of its units in the environment right now. */
  readonly activeRollout?: string;
}

export type LateDecision =
  /** It gets what the others have, by a rollout of its own. */
  | { readonly kind: "follow"; readonly stage: Stage; readonly change: HostChange }
  | { readonly kind: "wait"; readonly why: string }
  /** It stays as it is; `why` is a clause. */
  | { readonly kind: "drop"; readonly why: string };

/**
 * What a host gets that was away while a rollout passed its environment: the same, but only as long as every host that it passed
 * on still has it for proven. What was taken back or replaced meanwhile never reaches a host that comes late.
 */
export function judgeLateHost(late: LateHost): LateDecision {
  const { rollout, state, host, isConnected, activeRollout } = late;
  const placed = placedSteps(rollout, state.steps).find(({ change }) => change.host === host);
  if (placed?.step.kind !== "skipped" || state.phase !== "completed")
    return drop("it was not skipped by a rollout that completed");
  const { stage, change } = placed;
  if (activeRollout !== undefined) return { kind: "wait", why: `rollout ${activeRollout} is changing the same there` };
  const why = whyNotAnyMore(late, stage, change);
  if (why !== undefined) return drop(why);
  return isConnected ? { kind: "follow", stage, change } : { kind: "wait", why: `${host} is silent` };
}

const drop = (why: string): LateDecision => ({ kind: "drop", why });

function whyNotAnyMore(late: LateHost, stage: Stage, change: HostChange): string | undefined {
  const { rollout, state, host, isThere, proven, badReleases, laterRollout } = late;
  if (!isThere) return `it is no host of ${stage.environment} any more`;
  if (laterRollout !== undefined) return `rollout ${laterRollout} came to it later`;
  const isLiveAlready = change.units.every(({ unit, to }) => proven[hostUnit(host, unit)] === to);
  if (isLiveAlready && rollout.kind !== "restart") return "it has it already";
  for (const { unit, to } of change.units) {
    const bad = badReleases[releaseIn(stage.environment, unit, to)];
    if (bad !== undefined) return `it has no good verdict in ${stage.environment} any more (${bad})`;
    const other = peersWith(late, stage, unit).find((peer) => proven[hostUnit(peer, unit)] !== to);
    if (other !== undefined) return `${unit} on ${other} has been changed or taken back since`;
  }
  return stage.waves.flat().some((one) => state.steps[one.host]?.kind === "passed")
    ? undefined
    : "it passed nowhere there";
}

/** Hosts of the environment on which the rollout changed the unit. */
const peersWith = ({ state }: LateHost, stage: Stage, unit: string): readonly string[] =>
  stage.waves
    .flat()
    .filter((one) => state.steps[one.host]?.kind === "passed" && one.units.some((changed) => changed.unit === unit))
    .map(({ host }) => host);
