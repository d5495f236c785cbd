import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { endingOf, stepsOf, stepWords, tookWords } from "./rollout-words.ts";

/**
 * What happened to a rollout between two looks at it, one line each, in the order in which people want to read it.
 * Nothing changed: no lines. Countdowns alone are no change.
 */
export function rolloutChanges(before: Rollout | undefined, now: Rollout): readonly string[] {
  return [
    ...openingLines(before, now),
    ...stepLines(before, now),
    ...causeLines(before, now),
    ...phaseLines(before, now),
    ...waitingLines(before, now),
  ];
}

function openingLines(before: Rollout | undefined, now: Rollout): readonly string[] {
  if (before !== undefined) return [];
  const overrides = now.overrides.map(
    (override) => `check '${override.check}' switched off by ${override.by}: ${override.reason}`,
  );
  return [`${now.title} (${now.id}), by ${now.by}${now.reason === undefined ? "" : `: ${now.reason}`}`, ...overrides];
}

function stepLines(before: Rollout | undefined, now: Rollout): readonly string[] {
  const earlier = new Map(
    (before === undefined ? [] : stepsOf(before)).map(({ environment, step }) => [
      `${environment}/${step.host}`,
      stepWords(step),
    ]),
  );
  return stepsOf(now)
    .map(({ environment, step }) => ({ key: `${environment}/${step.host}`, step, words: stepWords(step) }))
    .filter(({ key, step, words }) => (earlier.has(key) ? earlier.get(key) !== words : step.state !== "pending"))
    .map(({ step, words }) => `  ${step.host} ${words}`);
}

function causeLines(before: Rollout | undefined, now: Rollout): readonly string[] {
  const { cause } = now;
  if (cause === undefined || before?.cause?.sentence === cause.sentence) return [];
  return [`halted (${cause.kind}): ${cause.sentence}`, ...cause.evidence.map((line) => `  ${line}`)];
}

function phaseLines(before: Rollout | undefined, now: Rollout): readonly string[] {
  if (before !== undefined && positionOf(before) === positionOf(now)) return [];
  if (endingOf(now) !== undefined) return [`${now.phase} after ${tookWords(now, now.endedAtMs ?? now.createdAtMs)}`];
  return [`${now.phase}${waveWords(now)}`];
}

function waitingLines(before: Rollout | undefined, now: Rollout): readonly string[] {
  const earlier = new Set((before?.waitingOn ?? []).map(waitingKey));
  return now.waitingOn
    .filter((waiting) => !earlier.has(waitingKey(waiting)))
    .map((waiting) => `  waiting (${waiting.kind}): ${waiting.sentence}`);
}

/** Sentences may count down; what is waited for changes only with its kind and hosts. */
const waitingKey = (waiting: { kind: string; hosts: readonly string[] }): string =>
  `${waiting.kind} ${waiting.hosts.join(",")}`;

const positionOf = (rollout: Rollout): string =>
  `${rollout.phase} ${rollout.currentStage ?? "-"} ${rollout.currentWave ?? "-"}`;

/** ` wave 1 of 2 in production` */
export function waveWords(rollout: Rollout): string {
  const stage = rollout.currentStage === undefined ? undefined : rollout.stages[rollout.currentStage];
  if (stage === undefined || rollout.currentWave === undefined) return "";
  return ` wave ${rollout.currentWave + 1} of ${stage.waves.length} in ${stage.environment}`;
}
