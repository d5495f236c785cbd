import type { Gates, OnRegression } from "../fleet/fleet.ts";
import type { GateName } from "../gates/gate.ts";
import type { HealthSettings } from "../health/health-settings.ts";
import type { UnitKey } from "../intent/intent.ts";
import type { DurationMs, Instant } from "../units/time.ts";

/** What was decided when the rollout was created. Only `overrides` grows afterwards, and nothing is taken from it. */
export interface Rollout {
  readonly id: string;
  readonly kind: "release" | "settings" | "restart" | "revert" | "reboot";
  /** One line for people: `shop 2.4.0`, `proxy settings of shop: forward.host internal → preserve`. */
  readonly title: string;
  readonly sites: readonly string[];
  readonly by: string;
  readonly reason?: string;
  readonly createdAt: Instant;
  /** In stages that say nothing else. */
  readonly onRegression: OnRegression;
  /**
   * Why what it makes live must not be taken back by a program: its release is one-way. Then only a person's word takes
   * back what is live, on hosts as well.
   */
  readonly oneWay?: string;
  readonly stages: readonly Stage[];
  readonly overrides: readonly Override[];
}

/** One environment's part of a rollout. */
export interface Stage {
  readonly environment: string;
  readonly gates: Gates;
  /** By site: how sure a verdict has to be. Fixed with the plan, because its error bounds hold for the whole rollout. */
  readonly health?: Readonly<Record<string, HealthSettings>>;
  readonly onRegression?: OnRegression;
  readonly maxUnavailable: number;
  /** Most hosts that go back at a time; twice `maxUnavailable` when absent. */
  readonly maxReverting?: number;
  /** Longest time one host may take for its activation; ten minutes when absent. */
  readonly stepTimeoutMs?: DurationMs;
  /** Silence after which a host that was not touched yet is skipped; it is waited for until the wave's deadline when absent. */
  readonly skipLostMs?: DurationMs;
  /** Hosts by wave; each host once. */
  readonly waves: readonly (readonly HostChange[])[];
  /** What has to have passed before this environment is begun; absent where there is nothing below it. */
  readonly below?: StageBelow;
}

/** The nearest environment below that has one of the sites, as this rollout wants it. */
export interface StageBelow {
  readonly environment: string;
  readonly hosts: readonly HostTargets[];
}

/** Everything that a rollout wants proven on a host, whether it has to change it or not. */
export interface HostTargets {
  readonly host: string;
  readonly units: readonly { readonly unit: UnitKey; readonly to: string }[];
}

/** A step: what is activated together on one host. */
export interface HostChange {
  readonly host: string;
  readonly units: readonly UnitChange[];
}

export interface UnitChange {
  readonly unit: UnitKey;
  /** Digest proven on the host when the rollout was planned; a revert goes back to it. Absent: nothing ran. */
  readonly from?: string;
  readonly to: string;
  /** Names of the certificates that it presents anew, or again, be its release the same. */
  readonly renews?: readonly string[];
}

/** A check or gate switched off on purpose, by whom and why; shown on the rollout for ever. */
export interface Override {
  readonly check: "probes-before" | GateName;
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
  /** Absent: in every environment. */
  readonly environment?: string;
  /** Index of the wave in its environment. Absent: for every wave. */
  readonly wave?: number;
}

/** Where one host is in a rollout. */
export type StepState =
  | { readonly kind: "pending" }
  /** It was silent when its turn came, and its wave went on without it. Untouched; it follows when it is back. */
  | { readonly kind: "skipped"; readonly at: Instant; readonly reason: string }
  /** The host holds a grant and works on it. */
  | { readonly kind: "activating"; readonly grant: string; readonly since: Instant; readonly confirmBy: Instant }
  /** Live there and probed; under observation, not yet proven. */
  | {
      readonly kind: "provisional";
      readonly grant: string;
      readonly since: Instant;
      readonly confirmBy: Instant;
      readonly switchMs: number;
      /** Of a reboot: how long the host was away. */
      readonly awayMs?: DurationMs;
    }
  /** Confirmed: the new releases are proven there. */
  | { readonly kind: "passed"; readonly at: Instant; readonly switchMs?: number; readonly awayMs?: DurationMs }
  /** The host refused or undid it; its proven releases are live. */
  | {
      readonly kind: "failed";
      readonly at: Instant;
      readonly reason: string;
      readonly touchedTraffic: boolean;
      /** Of a reboot: nothing was activated, so that nothing was refused or undone. */
      readonly rebooting?: true;
    }
  /** The grant is withdrawn; waiting for the host to be back on its proven releases. */
  | { readonly kind: "withdrawing"; readonly grant: string; readonly since: Instant }
  /** Was passed; holds a revert grant for the releases proven before. */
  | { readonly kind: "reverting"; readonly grant: string; readonly since: Instant; readonly confirmBy: Instant }
  | { readonly kind: "reverted"; readonly at: Instant }
  /** Going back did not work; a person must look. */
  | { readonly kind: "revert-failed"; readonly at: Instant; readonly reason: string };

/** By host name: a host has one step in a rollout. */
export type Steps = Readonly<Record<string, StepState>>;

/** Which wave: index into `stages` and into that stage's `waves`. */
export interface WaveAt {
  readonly stage: number;
  readonly wave: number;
}

/**
 * Why a rollout was stopped, in one sentence, with the evidence that speaks for it. `deadline` and `outdated` blame
 * nothing that passed, so what passed stays as it is.
 */
export interface HaltCause {
  readonly kind: "regressed" | "step-failed" | "deadline" | "operator" | "unconfirmed" | "outdated";
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly at: Instant;
}

interface InFlight {
  readonly steps: Steps;
  readonly since: Instant;
}

/** The states of a rollout: every member carries only what is true in it (design §7). */
export type RolloutState =
  /** A wave is next; it starts when every gate is open. Leaves to `activating`; a gate without an answer until the deadline halts, one that opens by itself later is waited for. */
  | ({
      readonly phase: "waiting-for-gates";
      readonly at: WaveAt;
      readonly approvals: readonly Approval[];
      readonly deadline: Instant;
      readonly attendance?: Attendance;
    } & InFlight)
  /** Hosts of the wave hold grants or are waiting for their turn under `maxUnavailable`. Leaves to `observing` when all are provisional, to `halted` when one fails. */
  | ({
      readonly phase: "activating";
      readonly at: WaveAt;
      readonly approvals: readonly Approval[];
      readonly deadline: Instant;
    } & InFlight)
  /** The whole wave is provisional; soak and verdict decide. Leaves to the next wave, `completed` or `halted`. */
  | ({
      readonly phase: "observing";
      readonly at: WaveAt;
      readonly approvals: readonly Approval[];
      readonly soakUntil: Instant;
      readonly deadline: Instant;
      readonly promoted?: Promotion;
      /** An operator went on although hosts that were not changed fail as well. */
      readonly acceptsUnhealthy?: true;
    } & InFlight)
  /**
   * An operator holds it, or everything is ill and no verdict on the change is possible; no new grants, nothing goes back.
   * `resume` goes back to where it was, and so does the end of the trouble if that was why.
   */
  | ({
      readonly phase: "paused";
      readonly by: string;
      readonly reason: string;
      readonly resumeTo: PausablePhase;
      /** Paused with everything else; `halt --clear` resumes it. */
      readonly byHaltAll?: true;
      /** Paused because hosts that were not changed fail as well. */
      readonly byHealth?: true;
    } & InFlight)
  /** Stopped by health, failure or deadline; the next step is `reverting` or `held` by `onRegression`. */
  | ({ readonly phase: "halted"; readonly cause: HaltCause } & InFlight)
  /** Touched hosts go back to what was proven before. Leaves to `reverted`, or to `held` when a host can't go back. */
  | ({ readonly phase: "reverting"; readonly cause: HaltCause; readonly deadline: Instant } & InFlight)
  | ({ readonly phase: "completed" } & InFlight)
  | ({ readonly phase: "reverted"; readonly cause: HaltCause } & InFlight)
  /** Stopped and left as it is for a person: by `onRegression: hold`, or because a revert failed. */
  | ({ readonly phase: "held"; readonly cause: HaltCause } & InFlight)
  /** An operator ended it: nothing more is activated; what was not proven yet was withdrawn, or with `keep` is proven by word. */
  | ({
      readonly phase: "aborted";
      readonly by: string;
      readonly reason: string;
      /** What was live on trial stays, and counts as proven. */
      readonly keeps?: true;
    } & InFlight);

export type Phase = RolloutState["phase"];
export type PausablePhase = Extract<RolloutState, { phase: "waiting-for-gates" | "activating" | "observing" }>;

/** An operator's word that a wave needs no more evidence than that nothing is worse. */
export interface Promotion {
  readonly by: string;
  readonly reason: string;
  readonly at: Instant;
}

export interface Approval {
  readonly by: string;
  readonly role: string;
  readonly environment: string;
  readonly at: Instant;
  readonly reason?: string;
}

/** Somebody's word that they watch; it expires. */
export interface Attendance {
  readonly by: string;
  readonly at: Instant;
}

/** Why nothing moves, for people and programs alike. */
export interface WaitingOn {
  readonly kind:
    | Exclude<GateName, "capacity">
    | "halt-all"
    | "max-unavailable"
    | "host"
    | "unit-busy"
    | "drained"
    | "reboot"
    | "confirm"
    | "withdrawal"
    | "operator"
    | "blind";
  /** A present-tense sentence. */
  readonly sentence: string;
  /** Everything that the sentence sums up, where it does. */
  readonly details?: readonly string[];
  readonly hosts: readonly string[];
  /** When it resolves or gives up by itself. */
  readonly until?: Instant;
}

export type OperatorVerb = "promote" | "approve" | "ack" | "pause" | "resume" | "abort" | "revert" | "keep";
