import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import type { LoadReport } from "../load/load-report.ts";
import { stepsOf } from "../screen/rollout-words.ts";

/** A sentence when `holds` is false; collects what is wrong with a scene. */
export const unless = (holds: boolean, sentence: string): readonly string[] => (holds ? [] : [sentence]);

/** Every request has to be answered right, and there must have been requests. */
export function noneFailed(load: LoadReport): readonly string[] {
  return [
    ...unless(load.sent > 0, "no request was sent, so nothing is proven"),
    ...unless(load.failed === 0, `${load.failed} of ${load.sent} requests failed: ${failureWords(load)}`),
  ];
}

export function failureWords(load: LoadReport): string {
  return load.failures.map(({ host, way, reason, count }) => `${count} on ${host} via ${way} ${reason}`).join("; ");
}

export function exitIs(exit: number, wanted: number): readonly string[] {
  return unless(exit === wanted, `exit code ${exit} instead of ${wanted}`);
}

export function phaseIs(rollout: Rollout, wanted: string): readonly string[] {
  return unless(
    rollout.phase === wanted,
    `rollout ${rollout.id} is ${rollout.phase} instead of ${wanted}: ${rollout.statusLine}`,
  );
}

/** Switch times by host, of the steps that switched. */
export function switchTimes(rollout: Rollout): Readonly<Record<string, number>> {
  return Object.fromEntries(
    stepsOf(rollout).flatMap(({ step }) => (step.switchMs === undefined ? [] : [[step.host, step.switchMs]])),
  );
}

/** Hosts whose step never left `pending`. */
export function untouchedHosts(rollout: Rollout): readonly string[] {
  return stepsOf(rollout).flatMap(({ step }) => (step.state === "pending" ? [step.host] : []));
}

/** Whether the reason of a halt speaks of this. */
export function tells(rollout: Rollout, text: string): boolean {
  return [rollout.cause?.sentence ?? "", ...(rollout.cause?.evidence ?? [])].some((line) => line.includes(text));
}
