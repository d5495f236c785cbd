import type { UnitKey } from "../intent/intent.ts";
import type { BootSeen } from "../reboots/reboot-order.ts";
import type { Instant } from "../units/time.ts";
import type { CertificateObservation } from "./certificates.ts";
import type { Drift } from "./drift.ts";
import type { BootChange } from "./forecast-boot.ts";

/** What one agent says about its host. `running` is what each process itself reported, never what was put on disk. */
export interface HostObservation {
  readonly host: string;
  readonly at: Instant;
  readonly agent: { readonly version: string; readonly startedAt: Instant };
  /** Highest fence, generation and digest obeyed so far; 0 and "" when none. */
  readonly maxFence: number;
  readonly generation: number;
  readonly intentDigest: string;
  readonly units: readonly UnitObservation[];
  readonly grants: readonly GrantObservation[];
  /** Sentences about what is wrong or unusual: a corrupt state file, a local break-glass switch, an orphaned process. */
  readonly remarks: readonly string[];
  /** What differs from what agent and coordinator made it, and what has differed a short while ago; absent: nothing. */
  readonly drifts?: readonly Drift[];
  /** What a reboot would change here, by what the host would start; absent while the agent has not looked, or never does. */
  readonly atBoot?: readonly BootChange[];
  /** Present while the host's intent says that it is to be drained. */
  readonly drain?: DrainObservation;
  /** By what reboot managers name this machine: a hash of its machine id (see `rebootClientId`). */
  readonly rebootClientId?: string;
  /** How the host was started; absent where its system does not tell. */
  readonly boot?: BootSeen;
}

/** How far users have been led away from a host, by the word of its proxies. */
export interface DrainObservation {
  /** Every site proxy that accepts tells the edge not to send requests here. */
  readonly obeyed: boolean;
  /** Requests and upgraded connections under way. */
  readonly open: number;
}

export interface UnitObservation {
  readonly unit: UnitKey;
  readonly desired?: string;
  /** Digests complete on disk. */
  readonly installed: readonly string[];
  readonly running?: RunningRelease;
  readonly proven?: string;
  /** Since when desired or installed differs from running. */
  readonly pendingSince?: Instant;
  /** Why it is not as desired, in words. */
  readonly reasons: readonly string[];
  /** Site releases only: what was live before and is kept startable. Absent: nothing, or no longer. */
  readonly previous?: PreviousRelease;
  /** Proxies and fronts only: what they present, and what lies in the files meanwhile. Absent: nothing, or nobody knows. */
  readonly certificates?: readonly CertificateObservation[];
}

/** A release that a host can go back to by starting it: nothing has to be fetched. */
export interface PreviousRelease {
  readonly digest: string;
  readonly version: string;
  readonly until: Instant;
}

export interface RunningRelease {
  readonly digest: string;
  readonly version: string;
  /** Build of the program that runs it, by its own report. */
  readonly build: string;
  readonly pid: number;
  readonly startedAt: Instant;
  /** Site releases only: the slot that is live. */
  readonly slot?: "blue" | "green";
}

/** How far a grant has come on its host; kept until the coordinator no longer sends the grant. */
export interface GrantObservation {
  readonly grant: string;
  readonly since: Instant;
  readonly progress: GrantProgress;
}

export type GrantProgress =
  /** Working towards the switch; the live releases are still the proven ones. */
  | { readonly kind: "preparing"; readonly doing: string }
  /** Live here and probed on every hop; undone at confirm-by unless confirmed. */
  | { readonly kind: "provisional"; readonly switchedAt: Instant; readonly switchMs: number }
  /** Not live here (any more). `touchedTraffic` is false when it was refused before the switch. */
  | {
      readonly kind: "failed";
      readonly touchedTraffic: boolean;
      readonly reason: string;
      readonly failure: GrantFailure;
    }
  /** confirm-by passed without a word; back on the proven release. */
  | { readonly kind: "unconfirmed" }
  /** The grant was withdrawn and the proven release is live again. */
  | { readonly kind: "withdrawn" };

export type GrantFailure =
  | "install"
  | "start"
  | "ready"
  | "probes-before"
  | "switch"
  | "probes-after"
  | "crashed"
  | "interrupted";
