import type { HostObservation, ProbeResult } from "@sluice/core";

/** What an agent tells the coordinator with every beat. */
export interface Report {
  readonly observation: HostObservation;
  /** What its probes were answered since the last beat that was sent. */
  readonly results: readonly ProbeResult[];
}

/** Time between two looks of an agent at its host, each followed by a report. */
export const beatMs = 5000;
