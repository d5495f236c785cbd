import type { GrantObservation, HostObservation } from "../host/observation.ts";
import type { Verdict } from "../health/verdict.ts";
import type { Instant } from "../units/time.ts";
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
}

export interface HostView {
  readonly connected: boolean;
  readonly observation?: HostObservation;
}

export interface OtherRollouts {
  /** `host/unit` keys that another rollout is changing, with its id. */
  readonly busyUnits: Readonly<Record<string, string>>;
  /** Hosts in the middle of an activation by site and environment (`site/environment`). */
  readonly unavailable: Readonly<Record<string, readonly string[]>>;
}

/** Things the caller does in the same transaction that saves `next`. */
export type RolloutAction =
  /** The releases of this step are proven on the host from now on. */
  | { readonly kind: "record-proven"; readonly host: string; readonly units: readonly { readonly unit: string; readonly digest: string | undefined }[] }
  | { readonly kind: "page"; readonly sentence: string };

export interface Plan {
  readonly next: RolloutState;
  readonly actions: readonly RolloutAction[];
  readonly waitingOn: readonly WaitingOn[];
}

/** The grant's newest word from its host, if it spoke of it. */
export function grantOf(view: HostView | undefined, grant: string): GrantObservation | undefined {
  return view?.observation?.grants.find((seen) => seen.grant === grant);
}
