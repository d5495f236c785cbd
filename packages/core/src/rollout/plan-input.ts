import type { GateFacts, GateState } from "../gates/gate.ts";
import type { Verdict } from "../health/verdict.ts";
import type { GrantObservation, HostObservation } from "../host/observation.ts";
import type { RebootTurn } from "../reboots/plan-turn.ts";
import type { Instant } from "../units/time.ts";
import type { DrainedHost } from "./drained-hosts.ts";
import type { Rollout, RolloutState, WaitingOn } from "./rollout.ts";

/** Everything the decision may look at. */
export interface PlanInput {
  readonly now: Instant;
  readonly rollout: Rollout;
  readonly state: RolloutState;
  /** Newest word of each host; absent when it never spoke. `connected` false: it has fallen silent. */
  readonly hosts: Readonly<Record<string, HostView>>;
  /** Judgement of the hosts under observation; asked for by the caller with the evidence since their switch. */
  readonly verdict: Verdict;
  /** What other rollouts hold at this moment. */
  readonly others: OtherRollouts;
  readonly gates: GateFacts;
  /** Hosts that users are led away from; absent: none. */
  readonly drained?: readonly DrainedHost[];
  /** By host: how far its turn to reboot has come that this rollout asked for; absent where it asks for none. */
  readonly reboots?: Readonly<Record<string, RebootTurn>>;
  /** The whole fleet; with it a coordinator that lost sight of many hosts at once takes itself for blind. */
  readonly fleet?: { readonly hosts: number; readonly silent: number };
  /**
   * Digest proven now by `host/unit`, as the store knows it. A passed step whose units have been proven otherwise since
   * then belongs to a later rollout and is left alone by a revert.
   */
  readonly proven?: Readonly<Record<string, string>>;
  /**
   * By `releaseIn`: why a release that may be proven on hosts has no good verdict in an environment. It regressed there, or
   * is live by a person's word. Nobody is sent back to it but by a person.
   */
  readonly badReleases?: Readonly<Record<string, string>>;
}

export interface HostView {
  readonly connected: boolean;
  /** When it was last heard of, or since when nothing could be heard; absent while it is connected. */
  readonly silentSince?: Instant;
  readonly observation?: HostObservation;
  /**
   * True when the observation carries generation and digest of the newest intent, and that intent says what is stored
   * now: then what the host does not mention is not there. Both are compared because a grant given and withdrawn leaves
   * the same text twice. Without it a withdrawal counts as done only by the host's explicit word about the grant.
   */
  readonly upToDate?: boolean;
}

export interface OtherRollouts {
  /** `host/unit` keys that another rollout is changing, with its id. */
  readonly busyUnits: Readonly<Record<string, string>>;
  /** Hosts in the middle of an activation by site and environment (`site/environment`). */
  readonly unavailable: Readonly<Record<string, readonly string[]>>;
  /** Hosts of older rollouts that wait for nothing but room, by site and environment: they go first. Absent: none. */
  readonly ahead?: Readonly<Record<string, readonly TurnAhead[]>>;
}

export interface TurnAhead {
  readonly rollout: string;
  readonly host: string;
}

/** Things the caller does in the same transaction that saves `next`. */
export type RolloutAction =
  /** The releases of this step are proven on the host from now on; `digest` absent: nothing is, the unit stops. */
  | {
      readonly kind: "record-proven";
      readonly host: string;
      readonly units: readonly { readonly unit: string; readonly digest: string | undefined }[];
    }
  /** From now on these releases are bad, or good again, in an environment: see {@link PlanInput.badReleases}. */
  | {
      readonly kind: "record-verdict";
      readonly environment: string;
      readonly verdict: "good" | "bad";
      readonly units: readonly { readonly unit: string; readonly digest: string }[];
      readonly sentence: string;
    }
  | { readonly kind: "page"; readonly sentence: string };

export interface Plan {
  readonly next: RolloutState;
  readonly actions: readonly RolloutAction[];
  readonly waitingOn: readonly WaitingOn[];
  /** Every gate before the next wave, open ones too; absent while no wave is next. */
  readonly gates?: readonly GateState[];
}

/** The grant's newest word from its host, if it spoke of it. */
export function grantOf(view: HostView | undefined, grant: string): GrantObservation | undefined {
  return view?.observation?.grants.find((seen) => seen.grant === grant);
}
