import type { Rollout, RolloutGate, RolloutStep } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import type { Colors } from "../world.ts";
import { gateLine, overrideWords, stepWords, tookWords, waitingWords } from "./rollout-words.ts";

export interface ViewOptions {
  readonly nowMs: number;
  readonly columns: number;
  readonly colors: Colors;
}

interface ViewLine {
  readonly text: string;
  readonly paint: (text: string) => string;
  /** A row keeps to one line and is cut where it is too long; sentences are wrapped, for no reason may be cut off. */
  readonly isRow: boolean;
}

/** The whole rollout on a terminal: environments, waves, steps, what is waited for. No line is longer than `columns`. */
export function rolloutView(rollout: Rollout, options: ViewOptions): string {
  const { colors, nowMs, columns } = options;
  const lines: readonly ViewLine[] = [
    row(`${rollout.title}  (${rollout.id}, ${tookWords(rollout, nowMs)})`, colors.bold),
    sentence(headline(rollout), paintPhase(rollout.phase, colors)),
    ...rollout.stages.flatMap((_, index) => stageLines(rollout, index, colors)),
    ...rollout.gates.map((gate) => sentence(`  ${gateLine(gate, nowMs)}`, paintGate(gate, colors))),
    ...beyondGates(rollout).map((waiting) => sentence(`  ${waitingWords(waiting, nowMs)}`, colors.dim)),
    ...(rollout.oneWay === undefined ? [] : [sentence(`  one-way: ${rollout.oneWay}`, colors.yellow)]),
    ...rollout.overrides.map((override) => sentence(`  ${overrideWords(override)}`, colors.yellow)),
    ...causeLines(rollout, colors),
  ];
  return lines
    .flatMap(({ text, paint, isRow }) => (isRow ? [shorten(text, columns)] : wrap(text, columns)).map(paint))
    .join("\n");
}

/** What is waited for stands below in lines of its own. */
function headline({ statusLine, waitingOn }: Rollout): string {
  return waitingOn.length === 0 ? statusLine : (statusLine.split("; ")[0] ?? statusLine);
}

/** What a closed gate keeps it waiting for is told by the gate's own line. */
function beyondGates({ gates, waitingOn }: Rollout): Rollout["waitingOn"] {
  const told = gates.map(({ sentence: words }) => words);
  return waitingOn.filter((waiting) => !told.includes(waiting.sentence));
}

function paintGate({ state }: RolloutGate, colors: Colors): (text: string) => string {
  if (state === "open") return colors.dim;
  return state === "closed" ? colors.cyan : colors.yellow;
}

const row = (text: string, paint: ViewLine["paint"]): ViewLine => ({ text, paint, isRow: true });
const sentence = (text: string, paint: ViewLine["paint"]): ViewLine => ({ text, paint, isRow: false });

function stageLines(rollout: Rollout, stageIndex: number, colors: Colors): readonly ViewLine[] {
  const stage = rollout.stages[stageIndex];
  if (stage === undefined) return [];
  const waves = stage.waves.flatMap((wave, waveIndex) => {
    const isCurrent = rollout.currentStage === stageIndex && rollout.currentWave === waveIndex;
    const head = `   ${isCurrent ? "▸" : " "} wave ${waveIndex + 1} of ${stage.waves.length}`;
    const steps = wave.steps.map((step) =>
      row(`     ${markOf(step)} ${step.host}  ${stepWords(step)}`, paintStep(step, colors)),
    );
    return stage.waves.length > 1 ? [row(head, colors.dim), ...steps] : steps;
  });
  const asked = stage.gates.length === 0 ? [] : [sentence(`    ${stage.gates.join(", ")}`, colors.dim)];
  return [row(`  ${stage.environment}`, colors.bold), ...asked, ...waves];
}

function causeLines({ cause }: Rollout, colors: Colors): readonly ViewLine[] {
  if (cause === undefined) return [];
  return [
    sentence(`  halted (${cause.kind}): ${cause.sentence}`, colors.red),
    ...cause.evidence.map((line) => sentence(`    ${line}`, colors.red)),
  ];
}

/** At most `columns` characters, the last one `…` when something was cut. */
export function shorten(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join("")}…`;
}

/** Lines of at most `columns` characters, broken between words where possible; further lines keep the indentation. */
export function wrap(text: string, columns: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = indent;
  for (const word of text.trim().split(" ")) {
    const joined = line === indent ? line + word : `${line} ${word}`;
    if ([...joined].length <= columns || line === indent) line = joined;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line].flatMap((one) => chunksOf(one, columns));
}

function chunksOf(text: string, columns: number): readonly string[] {
  if (!Number.isFinite(columns) || columns < 1) return [text];
  const characters = [...text];
  const count = Math.max(1, Math.ceil(characters.length / columns));
  return Array.from({ length: count }, (_, index) => characters.slice(index * columns, (index + 1) * columns).join(""));
}

const marks: Readonly<Record<string, string>> = {
  pending: "·",
  skipped: "–",
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
