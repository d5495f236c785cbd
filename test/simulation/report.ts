import type { HostObservation, Instant, ProbeOutcome, ProbeQuestion, ProbeResult } from "@sluice/core";

/** A question of a round, and how it was answered. */
export interface Asked extends ProbeQuestion {
  readonly outcome: ProbeOutcome;
}

/** How all ways of users were answered in one round; answers that are the same round after round are one list. */
export interface ProbedRound {
  /** By the coordinator's clock. */
  readonly round: Instant;
  /** By site. */
  readonly answers: Readonly<Record<string, readonly Asked[]>>;
}

/** What an agent tells the coordinator with every beat. */
export interface Report {
  readonly observation: HostObservation;
  /** What users' ways were answered around a switch since the last beat that was sent: between two rounds. */
  readonly results: readonly ProbeResult[];
  readonly round: ProbedRound;
}

/** Time between two looks of an agent at its host, each followed by a report. */
export const beatMs = 5000;
