import type { Rollout, RolloutStep } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { endingOf, overrideWords, stepsOf, stepWords, tookWords } from "./rollout-words.ts";

/**
 * What happened to a rollout between two looks at it, one line each, in the order in which people want to read it.
 * Nothing changed: no lines. Countdowns alone are no change.
 */
export function rolloutChanges(before: Rollout | undefined, now: Rollout): readonly string[] {
  return [
    ...openingLines(before, now),
    ...now.overrides.slice(before?.overrides.length ?? 0).map(overrideWords),
    ...stepLines(before, now),
    ...causeLines(before, now),
    ...phaseLines(before, now),
    ...waitingLines(before, now),
  ];
}

function openingLines(before: Rollout | undefined, now: Rollout): readonly string[] {
  if (before !== undefined) return [];
  return [`${now.title} (${now.id}), by ${now.by}${now.reason === undefined ? "" : `: ${now.reason}`}`];
}

/** Finishing one thing before beginning the next is no news, so a step that only falls silent has no line. */
function stepLines(before: Rollout | undefined, now: Rollout): readonly string[] {
  const earlier = new Map((before === undefined ? [] : stepsOf(before)).map((placed) => [keyOf(placed), placed.step]));
  return stepsOf(now).flatMap((placed) => {
    const { step } = placed;
    const was = earlier.get(keyOf(placed));
    const words = stepWords(step);
    if (was === undefined) return step.state === "pending" ? [] : [`  ${step.host} ${words}`];
    if (words === stepWords(was) || (was.state === step.state && words === step.state)) return [];
    return [`  ${step.host} ${words}`];
  });
}

const keyOf = (placed: { readonly environment: string; readonly step: RolloutStep }): string =>
  `${placed.environment}/${placed.step.host}`;

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
  const working = new Set(stepsOf(now).flatMap(({ step }) => (step.state === "activating" ? [step.host] : [])));
  return (
    now.waitingOn
      .filter((waiting) => !earlier.has(waitingKey(waiting)))
      // What a working host does is told on its own line.
      .filter((waiting) => waiting.kind !== "host" || !waiting.hosts.every((host) => working.has(host)))
      .map((waiting) => `  waiting (${waiting.kind}): ${waiting.sentence}`)
  );
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
