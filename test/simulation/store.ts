import type { DrainOrder, HealthState, Intent, RebootLease, Rollout, RolloutState } from "@sluice/core";
import type { ProbedRound } from "./report.ts";

/** Everything the coordinator keeps; replaced as a whole by a restored backup. */
export interface Store {
  fence: number;
  rollouts: { rollout: Rollout; state: RolloutState; isEnded?: boolean }[];
  /** By host and unit. */
  proven: Record<string, Record<string, string>>;
  desired: Record<string, Record<string, string>>;
  issued: Record<string, Intent>;
  /** By host: how its probes were answered, oldest first. */
  rounds: Record<string, readonly ProbedRound[]>;
  /** By rollout: its tests. */
  health: Record<string, HealthState>;
  /** By `releaseIn`: releases without a good verdict. */
  bad: Record<string, string>;
  /** By host: turns to reboot, and the drains that go with them. */
  leases: Record<string, RebootLease>;
  drains: Record<string, DrainOrder>;
}

/** What a coordinator keeps that has decided nothing yet, where these digests are live and wanted. */
export const freshStore = (proven: Store["proven"]): Store => ({
  fence: 0,
  rollouts: [],
  proven: { ...proven },
  desired: { ...proven },
  issued: {},
  rounds: {},
  health: {},
  bad: {},
  leases: {},
  drains: {},
});

/** Another store that says the same: documents are replaced and never changed, so that both may hold them. */
export const copyOf = (store: Store): Store => ({
  fence: store.fence,
  rollouts: store.rollouts.map((entry) => ({ ...entry })),
  proven: { ...store.proven },
  desired: { ...store.desired },
  issued: { ...store.issued },
  rounds: { ...store.rounds },
  health: { ...store.health },
  bad: { ...store.bad },
  leases: { ...store.leases },
  drains: { ...store.drains },
});

/** A host that the coordinator knows of. */
export interface Place {
  readonly name: string;
  readonly environment: string;
}
