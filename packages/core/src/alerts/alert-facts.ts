import type { GateState } from "../gates/gate.ts";
import type { PlanInput } from "../rollout/plan-input.ts";
import type { Rollout, RolloutState } from "../rollout/rollout.ts";
import type { ToldHost } from "../timeline/host-events.ts";
import type { DurationMs, Instant } from "../units/time.ts";

/** Everything that alerts are found in, as of now. */
export interface AlertFacts {
  readonly now: Instant;
  /** Environment by host, for the hosts of the fleet; others concern nobody any more. */
  readonly environmentOf: ReadonlyMap<string, string>;
  /** Those that have not ended, and those that ended by going back within {@link revertedForMs}. */
  readonly rollouts: readonly RolloutFacts[];
  readonly badReleases: NonNullable<PlanInput["badReleases"]>;
  /** What the log says of each host. */
  readonly hosts: ReadonlyMap<string, ToldHost>;
  /** Activations that are older than their environment allows. */
  readonly pending: readonly PendingTooLong[];
  /** Processes that were started again by themselves within {@link restartsWithinMs}. */
  readonly restarts: readonly Restarted[];
  /** Too many hosts are silent at once, in words. */
  readonly blind?: string;
  /** Why nothing at all is decided. */
  readonly standstill?: string;
  readonly channels: readonly ChannelTrouble[];
  readonly test?: TestPage;
}

export interface RolloutFacts {
  readonly rollout: Rollout;
  readonly state: RolloutState;
  /** Before its next wave; empty while no wave is next. */
  readonly gates: readonly GateState[];
  /** A later rollout is about one of its sites. */
  readonly isFollowed: boolean;
}

export interface PendingTooLong {
  readonly host: string;
  readonly unit: string;
  readonly since: Instant;
  readonly limitMs: DurationMs;
}

export interface Restarted {
  readonly host: string;
  readonly unit: string;
  readonly at: Instant;
}

/** A channel that has not taken a message for a while. */
export interface ChannelTrouble {
  readonly channel: string;
  readonly since: Instant;
  readonly failures: number;
  readonly sentence: string;
}

/** A page that somebody asked for, to see whom it reaches. It is over when somebody acknowledges it. */
export interface TestPage {
  readonly by: string;
  readonly at: Instant;
  readonly reason?: string;
}
