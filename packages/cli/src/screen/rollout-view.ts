import type { Rollout, RolloutStep } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import type { Colors } from "../world.ts";
import { stepWords, tookWords, waitingWords } from "./rollout-words.ts";

export interface ViewOptions {
  readonly nowMs: number;
  readonly columns: number;
  readonly colors: Colors;
}

/** The whole rollout on a terminal: environments, waves, steps, what is waited for. No line is longer than `columns`. */
export function rolloutView(rollout: Rollout, options: ViewOptions): string {
  const { colors, nowMs } = options;
  const lines: { readonly text: string; readonly paint: (text: string) => string }[] = [
    { text: `${rollout.title}  (${rollout.id}, ${tookWords(rollout, nowMs)})`, paint: colors.bold },
    { text: rollout.statusLine, paint: paintPhase(rollout.phase, colors) },
  ];
  rollout.stages.forEach((stage, stageIndex) => {
    lines.push({ text: `  ${stage.environment}`, paint: colors.bold });
    stage.waves.forEach((wave, waveIndex) => {
      const isCurrent = rollout.currentStage === stageIndex && rollout.currentWave === waveIndex;
      if (stage.waves.length > 1) {
        lines.push({
          text: `   ${isCurrent ? "▸" : " "} wave ${waveIndex + 1} of ${stage.waves.length}`,
          paint: colors.dim,
        });
      }
      for (const step of wave.steps)
        lines.push({ text: `     ${markOf(step)} ${step.host}  ${stepWords(step)}`, paint: paintStep(step, colors) });
    });
  });
  for (const waiting of rollout.waitingOn) lines.push({ text: `  ${waitingWords(waiting, nowMs)}`, paint: colors.dim });
  if (rollout.cause !== undefined) {
    lines.push({ text: `  halted (${rollout.cause.kind}): ${rollout.cause.sentence}`, paint: colors.red });
    for (const evidence of rollout.cause.evidence) lines.push({ text: `    ${evidence}`, paint: colors.red });
  }
  return lines.map(({ text, paint }) => paint(shorten(text, options.columns))).join("\n");
}

/** At most `columns` characters, the last one `…` when something was cut. */
export function shorten(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join("")}…`;
}

const marks: Readonly<Record<string, string>> = {
  pending: "·",
  activating: "▶",
  provisional: "◐",
  passed: "✓",
  failed: "✗",
  withdrawing: "◀",
  reverting: "◀",
  reverted: "↩",
  "revert-failed": "✗",
};

const markOf = (step: RolloutStep): string => marks[step.state] ?? "?";

function paintStep(step: RolloutStep, colors: Colors): (text: string) => string {
  if (step.state === "passed") return colors.green;
  if (step.state === "failed" || step.state === "revert-failed") return colors.red;
  if (step.state === "pending") return colors.dim;
  return colors.yellow;
}

function paintPhase(phase: string, colors: Colors): (text: string) => string {
  if (phase === "completed") return colors.green;
  if (["halted", "reverting", "reverted", "held", "aborted"].includes(phase)) return colors.red;
  return colors.cyan;
}
