import type { HealthState, Intent, ProbeAnswer, Rollout, RolloutState } from "@sluice/core";

/** Everything the coordinator keeps; replaced as a whole by a restored backup. */
export interface Store {
  fence: number;
  rollouts: { rollout: Rollout; state: RolloutState }[];
  /** By host and unit. */
  proven: Record<string, Record<string, string>>;
  desired: Record<string, Record<string, string>>;
  issued: Record<string, Intent>;
  /** By host: how its probes were answered, oldest first. */
  rounds: Record<string, ProbeAnswer[]>;
  /** By rollout: its tests. */
  health: Record<string, HealthState>;
  /** By `releaseIn`: releases without a good verdict. */
  bad: Record<string, string>;
}

/** What a coordinator keeps that has decided nothing yet, where these digests are live and wanted. */
export const freshStore = (proven: Store["proven"]): Store => ({
  fence: 0,
  rollouts: [],
  proven,
  desired: structuredClone(proven),
  issued: {},
  rounds: {},
  health: {},
  bad: {},
});

/** A host that the coordinator knows of. */
export interface Place {
  readonly name: string;
  readonly environment: string;
}
