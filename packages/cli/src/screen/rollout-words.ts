import { durationMs, formatDuration } from "@sluice/core";
import type {
  Rollout,
  RolloutGate,
  RolloutOverride,
  RolloutStep,
  WaitingOn,
} from "@sluice/protocol/generated/sluice/types/v1/rollout";
import type { ExitName } from "../exit-codes.ts";

/** Phases in which a rollout stays for ever, and how a verb that followed it ends. */
const endings: Readonly<Record<string, ExitName>> = {
  completed: "done",
  reverted: "reverted",
  held: "halted",
  aborted: "failed",
};

/** How a rollout in this phase ends a verb; undefined while it goes on. */
export const endingOf = (rollout: Rollout): ExitName | undefined => endings[rollout.phase];

/** What a host is at, in one phrase. */
export function stepWords(step: RolloutStep): string {
  const parts = [step.state];
  if (step.switchMs !== undefined) parts.push(`switched in ${formatMs(step.switchMs)}`);
  if (step.awayMs !== undefined) parts.push(`away for ${formatDuration(durationMs(step.awayMs))}`);
  if (step.reason !== undefined && step.reason !== "") parts.push(step.reason);
  else if (step.doing !== undefined && step.doing !== "") parts.push(step.doing.split("; ")[0] ?? "");
  return parts.length === 1 ? step.state : `${parts[0]}: ${parts.slice(1).join(", ")}`;
}

/** The end of an id: enough to name a rollout to any verb, short enough to type. `--json` has the whole. */
export const shortId = (id: string): string => id.slice(-8);

/** The first clauses of a sentence that lists many, and how many there are beyond. */
export function firstClauses(sentence: string, count: number): string {
  const clauses = sentence.split("; ");
  const rest = clauses.length - count;
  if (rest <= 0) return sentence;
  return `${clauses.slice(0, count).join("; ")} (and ${rest} more)`;
}

/** Steps of all waves in order, with the environment and the wave (from 0) they belong to. */
export function stepsOf(rollout: Rollout): readonly { environment: string; wave: number; step: RolloutStep }[] {
  return rollout.stages.flatMap((stage) =>
    stage.waves.flatMap((wave, index) =>
      wave.steps.map((step) => ({ environment: stage.environment, wave: index, step })),
    ),
  );
}

/** Clauses of a sentence about a rollout that fit into a list of rollouts. */
export const clausesMax = 2;

/** `waiting for 12s more: web-1 is observed for 30s`; without the countdown when there is none. */
export function waitingWords(waiting: WaitingOn, nowMs: number): string {
  const { sentence } = waiting;
  if (waiting.untilMs === undefined || waiting.untilMs <= nowMs) return `waiting (${waiting.kind}): ${sentence}`;
  return `waiting (${waiting.kind}, until ${formatDuration(durationMs(waiting.untilMs - nowMs))} from now): ${sentence}`;
}

/** `gate window: closed, opens 2h from now: …` */
export function gateLine({ gate, state, sentence, opensAtMs }: RolloutGate, nowMs: number): string {
  const opens =
    opensAtMs === undefined || opensAtMs <= nowMs
      ? ""
      : `, opens ${formatDuration(durationMs(opensAtMs - nowMs))} from now`;
  return `gate ${gate}: ${state}${opens}: ${firstClauses(sentence, clausesMax)}`;
}

/** `overridden: freeze in production, wave 1, by eve: the shop is down` */
export function overrideWords({ check, by, reason, environment, wave }: RolloutOverride): string {
  const where = environment === undefined ? "" : ` in ${environment}`;
  const which = wave === undefined ? "" : `, wave ${wave + 1}`;
  return `overridden: ${check}${where}${which}, by ${by}: ${reason}`;
}

/** One sentence on everything that keeps a rollout, for `--timeout`. */
export function gatesWords(rollout: Rollout): string {
  if (rollout.waitingOn.length === 0) return rollout.statusLine;
  return rollout.waitingOn.map((waiting) => `${waiting.kind}: ${waiting.sentence}`).join("; ");
}

/** Time a rollout took, or takes so far. */
export function tookWords(rollout: Rollout, nowMs: number): string {
  return formatDuration(durationMs(Math.max(0, (rollout.endedAtMs ?? nowMs) - rollout.createdAtMs)));
}

const formatMs = (ms: number): string => (ms < 100 ? `${ms.toFixed(1)}ms` : formatDuration(durationMs(ms)));
