import type { GrantFailure } from "../host/observation.ts";
import type { Grant, SiteDuties, UnitKey, UnitRelease } from "../intent/intent.ts";
import type { CertificateSet } from "../proxying/certificate.ts";
import type { SlotName, SlotTable, SlotTarget } from "../proxying/proxy-settings.ts";
import type { Instant } from "../units/time.ts";
import type { ObservedHost } from "./observed-host.ts";
import type { ProbeTally } from "./probe-tally.ts";

/** One unit of a grant: what goes live, and what was live before and comes back when the activation does not pass. */
export type ActivationPart = SitePart | ProxyPart;

export interface SitePart {
  readonly kind: "site";
  readonly unit: UnitKey;
  readonly site: string;
  readonly release: UnitRelease;
  /** The slot that becomes live: the idle one. */
  readonly to: SlotName;
  /** Absent when nothing was live. */
  readonly from?: { readonly slot: SlotName; readonly release: UnitRelease };
  /** The granted release is live already and no restart is wanted: only probed. */
  readonly unchanged: boolean;
}

export interface ProxyPart {
  readonly kind: "proxy" | "front";
  readonly unit: UnitKey;
  /** Absent for the front. */
  readonly site?: string;
  readonly release: UnitRelease;
  /** Certificates that its process has to be started with; absent: those that lie in their files by then. */
  readonly startWith?: CertificateSet;
  /** What the process that takes over was started with; known from the switch on. */
  readonly startedWith?: CertificateSet;
  readonly from?: UnitRelease;
  /** What the process of `from` was started with. */
  readonly fromCertificates?: CertificateSet;
  readonly unchanged: boolean;
}

/** How an activation ends that did not pass. */
export type ActivationEnd =
  | {
      readonly kind: "failed";
      readonly touchedTraffic: boolean;
      readonly failure: GrantFailure;
      readonly reason: string;
    }
  | { readonly kind: "unconfirmed" }
  | { readonly kind: "withdrawn" };

interface Subject {
  /** As the newest intent that held it said. */
  readonly grant: Grant;
  readonly since: Instant;
  readonly parts: readonly ActivationPart[];
  /** What was left out or not seen on the way, for people. */
  readonly notes: readonly string[];
}

/** The new releases have been given traffic; `successors` are the proxy processes that took over, by unit. */
interface Switched {
  readonly successors: Readonly<Record<string, string>>;
}

/** The states of one grant on its host. Until `switching` nothing that users reach has been touched. */
export type ActivationState =
  /** Releases are being put on disk. Leaves to `starting` when all are complete. */
  | (Subject & { readonly phase: "installing"; readonly deadline: Instant })
  /** Idle slots are being started. Leaves to `awaiting-ready` when each runs the granted release. */
  | (Subject & { readonly phase: "starting"; readonly deadline: Instant })
  /** Idle slots run; each still has to answer its readiness path. Leaves to `starting-successors`. */
  | (Subject & { readonly phase: "awaiting-ready"; readonly deadline: Instant })
  /** Proxies and front get successors that accept nobody yet. Leaves to `probing-before`. */
  | (Subject & { readonly phase: "starting-successors"; readonly deadline: Instant })
  /** The whole new chain is asked under every binding. Leaves to `switching` when every question was answered well. */
  | (Subject & { readonly phase: "probing-before"; readonly deadline: Instant })
  /** Users may reach old or new. Leaves to `probing-after` when all that accepts is new, to `restoring` when it can't be had. */
  | (Subject & Switched & { readonly phase: "switching"; readonly startedAt: Instant; readonly deadline: Instant })
  /** All users reach the new releases; every binding is asked on every hop. Leaves to `provisional` or `restoring`. */
  | (Subject &
      Switched & {
        readonly phase: "probing-after";
        readonly switchedAt: Instant;
        readonly switchMs: number;
        /** Edges without an answer of this host are given up on then: recorded, not a failure. */
        readonly edgeDeadline: Instant;
        readonly deadline: Instant;
      })
  /** Live and probed; what was live before still runs. Leaves on the coordinator's word, or to `restoring` at the grant's confirm-by. */
  | (Subject & Switched & { readonly phase: "provisional"; readonly switchedAt: Instant; readonly switchMs: number })
  /** Confirmed: the new releases are the proven ones. What was live before gets no new requests and is stopped when empty. */
  | (Subject & Switched & { readonly phase: "draining"; readonly deadline: Instant })
  /** Traffic is going back to what was live before; repeated until true. Leaves to `clearing`. */
  | (Subject & Switched & { readonly phase: "restoring"; readonly startedAt: Instant; readonly end: ActivationEnd })
  /** Nothing of the grant is live (any more); its processes are being ended. Leaves to `ended`. */
  | (Subject & Switched & { readonly phase: "clearing"; readonly deadline: Instant; readonly end: ActivationEnd })
  /** Nothing of the grant is left but its outcome. */
  | (Subject & { readonly phase: "ended"; readonly at: Instant; readonly end: ActivationEnd })
  /** Confirmed, and nothing of what was before is left running. */
  | (Subject & { readonly phase: "done"; readonly at: Instant });

export type ActivationPhase = ActivationState["phase"];
export type InActivation<Name extends ActivationPhase> = Extract<ActivationState, { readonly phase: Name }>;

/** What the newest intent says of the grant. */
export type GrantWord =
  | { readonly kind: "held"; readonly grant: Grant }
  /** No longer held, and its releases are the proven ones. */
  | { readonly kind: "confirmed" }
  /** No longer held, and its releases are not proven. */
  | { readonly kind: "withdrawn" };

/** What was found out since the phase began; forgotten with the phase, and by a restart: then it is found out again. */
export interface ActivationFacts {
  /** Actions that failed, newest last. */
  readonly failures: readonly ActionFailure[];
  /** `readyKey`s of slots that answered their readiness path. */
  readonly ready: readonly string[];
  /** Child ids of the successors that were started: one that says nothing for a moment is waited for, not started again. */
  readonly started: readonly string[];
  readonly tally: ProbeTally;
  /** Nothing ran on the host when this agent first looked: host or keeper have restarted since the state was saved. */
  readonly cold: boolean;
}

export interface ActionFailure {
  readonly action: ActivationAction["kind"];
  readonly sentence: string;
  readonly retryHelps: boolean;
}

/** A copy that was started again has to be asked again. */
export const readyKey = (slot: { readonly site: string; readonly slot: SlotName; readonly pid: number }): string =>
  `${slot.site}/${slot.slot}/${slot.pid}`;

export interface ActivationInput {
  readonly now: Instant;
  readonly state: ActivationState;
  readonly word: GrantWord;
  readonly unconfirmed: "revert" | "keep";
  readonly duties: Readonly<Record<string, SiteDuties>>;
  readonly host: ObservedHost;
  readonly facts: ActivationFacts;
}

/** Orders for the host, carried out in this order; each is idempotent and repeated until the host shows that it was obeyed. */
export type ActivationAction =
  | { readonly kind: "ensure-installed"; readonly release: UnitRelease }
  | { readonly kind: "start-slot"; readonly site: string; readonly slot: SlotName; readonly release: UnitRelease }
  | { readonly kind: "await-ready"; readonly site: string; readonly slot: SlotName; readonly release: UnitRelease }
  | {
      readonly kind: "start-successor";
      readonly unit: UnitKey;
      readonly release: UnitRelease;
      readonly slots: SlotTable;
      /** Site → child id of a site proxy that does not accept yet. */
      readonly routesBeforeAccept: Readonly<Record<string, string>>;
      /** Certificates to start it with, as the host keeps them; absent: those that lie in their files by then. */
      readonly certificates?: CertificateSet;
    }
  /** One round of probes over all orders, then a pause of about a second before the next. */
  | { readonly kind: "probe"; readonly rounds: readonly ProbeRoundOrder[] }
  | { readonly kind: "put-slots"; readonly childId: string; readonly slots: SlotTable }
  | { readonly kind: "accept"; readonly childId: string }
  | { readonly kind: "drain"; readonly childId: string; readonly limitMs: number }
  | { readonly kind: "stop-slot"; readonly site: string; readonly slot: SlotName; readonly graceMs: number }
  | { readonly kind: "remove-proxy"; readonly childId: string; readonly graceMs: number };

/** A place to say that something is missing for which there is no order: a process that does not answer now. */
export interface Absent {
  readonly kind: "absent";
}

export const isOrder = (action: ActivationAction | Absent): action is ActivationAction => action.kind !== "absent";

export interface ProbeRoundOrder {
  readonly site: string;
  readonly target:
    | { readonly hop: "slot"; readonly target: SlotTarget }
    | { readonly hop: "proxy" | "front"; readonly childId: string }
    | { readonly hop: "listener" }
    | { readonly hop: "edge" };
}

export interface ActivationPlan {
  /** Saved before any action is carried out. */
  readonly next: ActivationState;
  readonly actions: readonly ActivationAction[];
  /** Why it does not advance, in present-tense sentences. */
  readonly waitingOn: readonly string[];
}
