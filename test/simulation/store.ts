import type { Intent, Rollout, RolloutState } from "@sluice/core";

/** Everything the coordinator keeps; replaced as a whole by a restored backup. */
export interface Store {
  fence: number;
  rollouts: { rollout: Rollout; state: RolloutState }[];
  /** By host and unit. */
  proven: Record<string, Record<string, string>>;
  desired: Record<string, Record<string, string>>;
  issued: Record<string, Intent>;
}

/** A host that the coordinator knows of. */
export interface Place {
  readonly name: string;
  readonly environment: string;
}
