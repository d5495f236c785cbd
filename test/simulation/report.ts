import type { HostObservation, ProbeBatch } from "@sluice/core";

/** What an agent tells the coordinator with every beat. */
export interface Report {
  readonly observation: HostObservation;
  /** It is heard when it arrives. */
  readonly batch: Omit<ProbeBatch, "heardAt">;
}

/** Time between two looks of an agent at its host, each followed by a report. */
export const beatMs = 5000;
