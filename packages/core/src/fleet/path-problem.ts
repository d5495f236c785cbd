import type { FleetPath } from "./fleet-problem.ts";

/** A problem by path; the place in the file is looked up later. */
export interface PathProblem {
  readonly path: FleetPath;
  readonly sentence: string;
  readonly hint?: string;
  /** The problem is the key itself, not its value. */
  readonly onKey?: boolean;
  /** Relations that look at any of these are not judged while their shape is broken. `*` stands for any one segment. */
  readonly about?: readonly FleetPath[];
}
