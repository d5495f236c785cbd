import { Violation } from "./history.ts";
import { drawOptions, type HistoryOptions } from "./history-options.ts";
import { World } from "./sim-world.ts";
import { subject as realSubject, type Subject } from "./subject.ts";

export interface HistoryResult {
  readonly seed: number;
  readonly options: HistoryOptions;
  /** The promise that was broken, in words; absent when all held. */
  readonly broken?: string;
  readonly traceHash: string;
  readonly trace: readonly string[];
  /** How rollouts ended, counted by phase: tells whether the seeds reach what they should. */
  readonly ended: Readonly<Record<string, number>>;
  /** What happened to activations and hosts, counted. */
  readonly reached: Readonly<Record<string, number>>;
}

/** Plays the history of one seed to its end, or to the first broken promise. */
export function runHistory(
  seed: number,
  given: { readonly subject?: Subject; readonly trace?: boolean } = {},
): HistoryResult {
  const world = new World(drawOptions(seed), given.subject ?? realSubject, given.trace ?? false);
  let broken: string | undefined;
  try {
    world.play();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    broken = error.message;
  }
  const { options, trace, ended } = world;
  return {
    seed,
    options,
    traceHash: trace.hash,
    trace: trace.lines,
    ended,
    reached: trace.reached,
    ...(broken === undefined ? {} : { broken }),
  };
}
