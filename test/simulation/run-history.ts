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
  /** How often fate or an operator had a turn. */
  readonly acts: number;
}

export interface HistoryGiven {
  readonly subject?: Subject;
  readonly trace?: boolean;
}

/** Plays the history of one seed to its end, or to the first broken promise. */
export const runHistory = (seed: number, given: HistoryGiven = {}): HistoryResult =>
  playHistory(drawOptions(seed), given);

/** The same of a history that somebody shrank or made up. */
export function playHistory(options: HistoryOptions, given: HistoryGiven = {}): HistoryResult {
  const world = new World(options, given.subject ?? realSubject, given.trace ?? false);
  let broken: string | undefined;
  try {
    world.play();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    broken = error.message;
  }
  const { trace, ended, acts } = world;
  return {
    seed: options.seed,
    options,
    traceHash: trace.hash,
    trace: trace.lines,
    ended,
    reached: trace.reached,
    acts,
    ...(broken === undefined ? {} : { broken }),
  };
}
