import { drainLimitMs } from "../host/drain.ts";
import { rebootReturnMs } from "../reboots/judge-reboot.ts";
import { after, type DurationMs, durationMs, type Instant, instant, minutes } from "../units/time.ts";
import type { Rollout, Stage, WaveAt } from "./rollout.ts";

/** How long a gate may stay without an answer: longer than a weekend with holidays, shorter than being forgotten. */
export const gateWaitMs: DurationMs = minutes(7 * 24 * 60);

/** How long one host may take for its activation when the stage does not say: slow starts and retried probes included. */
export const stepTimeoutDefaultMs: DurationMs = minutes(10);

/**
 * Between the last moment at which a wave can be confirmed and the moment at which its hosts undo it by themselves:
 * the time for the coordinator's word to reach a host over a broken line, and for clocks that disagree.
 */
export const confirmMarginMs: DurationMs = minutes(5);

/** How long one host may take for its reboot: to be drained, to come back, and some time for its turn to come. */
export const rebootStepMs: DurationMs = durationMs(drainLimitMs + rebootReturnMs + minutes(5));

export const stepTimeoutMs = (stage: Stage): DurationMs => stage.stepTimeoutMs ?? stepTimeoutDefaultMs;

/** Rounds of activations one wave needs under `maxUnavailable`. */
const turns = (hosts: number, atOnce: number): number => Math.max(1, Math.ceil(hosts / Math.max(1, atOnce)));

/** When a wave of `hosts` has to be provisional everywhere. */
export function activatingDeadline(stage: Stage, hosts: number, now: Instant): Instant {
  return after(now, durationMs(stepTimeoutMs(stage) * turns(hosts, stage.maxUnavailable)));
}

/** When an observation that is still inconclusive ends the wave. */
export function observingDeadline(stage: Stage, now: Instant): Instant {
  return after(now, durationMs(stage.gates.soakMs + stage.gates.maxWaitMs));
}

/**
 * When a host undoes a grant by itself: after the latest moment at which the wave can still be confirmed, plus the
 * margin. `activatingUntil` is the deadline of the wave's activation, so that the first host of a wave can wait for its last.
 */
export function confirmBy(stage: Stage, activatingUntil: Instant): Instant {
  return after(observingDeadline(stage, activatingUntil), confirmMarginMs);
}

/** How many hosts of a site and environment may go back at a time: faster than forwards unless told otherwise, still capped. */
export const revertsAtOnce = (stage: Stage): number => stage.maxReverting ?? Math.max(1, stage.maxUnavailable * 2);

/** When going back has to be done everywhere. */
export function revertingDeadline(stages: readonly Stage[], now: Instant): Instant {
  const longest = stages.map((stage) => stepTimeoutMs(stage) * turns(stage.waves.flat().length, revertsAtOnce(stage)));
  return after(now, durationMs(longest.reduce((sum, ms) => sum + ms, 0) + confirmMarginMs));
}

/**
 * The longest time from the start of a wave until it has passed or everything is back: its activation and observation to
 * their last moments, then the way back of this wave and of everything before it. An estimate on the safe side: a wave
 * that goes well takes its activation and its soak. A reboot has no way back.
 */
export function waveTakesMs(rollout: Rollout, at: WaveAt): DurationMs {
  const stages = rollout.stages.slice(0, at.stage + 1).map((stage, index) => {
    return index < at.stage ? stage : { ...stage, waves: stage.waves.slice(0, at.wave + 1) };
  });
  const stage = stages.at(-1);
  if (stage === undefined) return durationMs(0);
  const activated = activatingDeadline(stage, stage.waves.at(-1)?.length ?? 0, instant(0));
  if (rollout.kind === "reboot") return durationMs(observingDeadline(stage, activated));
  return durationMs(revertingDeadline(stages, observingDeadline(stage, activated)));
}

/** When a host undoes a revert that nobody confirmed. */
export function revertConfirmBy(stage: Stage, now: Instant): Instant {
  return after(now, durationMs(stepTimeoutMs(stage) + confirmMarginMs));
}

/** How long a grant that a person holds is prolonged at a time; it lapses when the coordinator is gone for so long. */
export function heldGrantMs(stage: Stage): DurationMs {
  return durationMs(stepTimeoutMs(stage) + stage.gates.soakMs + stage.gates.maxWaitMs + confirmMarginMs);
}
