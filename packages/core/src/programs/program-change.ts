import type { ActionFailure, ActivationEnd, GrantWord, ProbeRoundOrder } from "../activation/activation.ts";
import type { Kept, ObservedHost, OwnProgramSeen } from "../activation/observed-host.ts";
import type { ProbeTally } from "../activation/probe-tally.ts";
import type { GrantProgress } from "../host/observation.ts";
import { type Grant, isProgramUnit, type ProgramUnit, type SiteDuties, type UnitRelease } from "../intent/intent.ts";
import type { Instant } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";

interface Subject {
  /** For one program and nothing else. As the newest intent that held it said. */
  readonly grant: Grant;
  readonly since: Instant;
  readonly release: UnitRelease;
}

/** What was held before a keeper handed over, and has to be held by its successor. Absent: of an agent. */
interface Keeping {
  readonly kept?: Kept;
}

/** A process that is no other one, be its pid the same. */
interface Process {
  readonly pid: number;
  readonly startedAtMs: number;
}

/**
 * The states of a grant for a program of Sluice's own on one host: the agent, or the keeper. Users are touched in none of them:
 * proxies and slots go on without an agent, and stay the same processes under another keeper.
 */
export type ProgramChange =
  /** The program is being put on disk. Leaves to `trying` when it is complete. */
  | (Subject & { readonly phase: "installing"; readonly deadline: Instant })
  /** The program is started once to say its version. Leaves to `changing-over` when that is the release's. */
  | (Subject & { readonly phase: "trying"; readonly deadline: Instant })
  /**
   * The granted program is to be started on trial in place of the one that runs: an agent by its watchdog, a keeper by the one
   * before, which hands over to it. Leaves to `on-trial` once it says that it runs, to `ended` when it did not come up.
   */
  | (Subject &
      Keeping & {
        readonly phase: "changing-over";
        readonly startedAt: Instant;
        readonly deadline: Instant;
        /** The keeper that is to hand over. Absent: of an agent. */
        readonly by?: Process;
      })
  /** The granted program runs; the agent looks whether all is well. Leaves to `provisional`. */
  | (Subject & Keeping & { readonly phase: "on-trial"; readonly startedAt: Instant; readonly deadline: Instant })
  /** It runs, the coordinator is reached, and every unit is healthy. Leaves on the coordinator's word, or to `ended`. */
  | (Subject & { readonly phase: "provisional"; readonly switchedAt: Instant; readonly switchMs: number })
  /**
   * Of a keeper: the one on trial is to hand back to the proven one, and is put down when it does not by the deadline. Leaves
   * to `ended` once another one runs.
   */
  | (Subject & { readonly phase: "handing-back"; readonly deadline: Instant; readonly end: ActivationEnd })
  /** The program before runs, or is about to. */
  | (Subject & { readonly phase: "ended"; readonly at: Instant; readonly end: ActivationEnd })
  /** Confirmed: the granted program is the proven one. */
  | (Subject & { readonly phase: "done"; readonly at: Instant });

export type ProgramChangePhase = ProgramChange["phase"];
export type InProgramChange<Name extends ProgramChangePhase> = Extract<ProgramChange, { readonly phase: Name }>;

/** What was found out since the phase began; found out again after a restart. */
export interface ProgramChangeFacts {
  readonly failures: readonly ActionFailure[];
  /** The program said its version when it was tried. */
  readonly saidVersion?: string;
  /** What a successor does not hold of what the keeper before it held, in words; absent: nobody has compared yet. */
  readonly lost?: readonly string[];
  readonly tally: ProbeTally;
}

export const noChangeFacts: ProgramChangeFacts = { failures: [], tally: {} };

export interface ProgramChangeInput {
  readonly now: Instant;
  readonly state: ProgramChange;
  readonly word: GrantWord;
  readonly host: ObservedHost;
  /** The program that runs, by its own word; undefined: it has not answered for long. */
  readonly running: OwnProgramSeen | undefined;
  /** What the keeper that runs holds; undefined for an agent. */
  readonly kept?: Kept | undefined;
  /** Why trials are over, by grant, as the watchdog says it. */
  readonly trialEnds: Readonly<Record<string, string>>;
  /** The coordinator hears the agent. */
  readonly isConnected: boolean;
  /** Sites whose ways in have to answer well. */
  readonly duties: readonly SiteDuties[];
  /** Units that ought to run and don't, in words. */
  readonly missing: readonly string[];
  readonly facts: ProgramChangeFacts;
}

/** Orders for the host; each is idempotent and repeated until the host shows that it was obeyed. */
export type ProgramChangeAction =
  | { readonly kind: "ensure-installed"; readonly release: UnitRelease }
  | { readonly kind: "ask-version"; readonly release: UnitRelease }
  | { readonly kind: "probe"; readonly rounds: readonly ProbeRoundOrder[] }
  /** The keeper that runs hands over to the granted one, which is on trial from then on. */
  | { readonly kind: "hand-over"; readonly release: UnitRelease; readonly grant: string }
  /** Whether the keeper that runs holds all of this. */
  | { readonly kind: "compare-kept"; readonly kept: Kept }
  /** The keeper that runs hands over to the proven one. */
  | { readonly kind: "hand-back" }
  /** The keeper that runs is killed, so that the proven one is started. What its children serve goes on. */
  | { readonly kind: "put-down" };

export interface ProgramChangePlan {
  /** Saved before any action is carried out. */
  readonly next: ProgramChange;
  readonly actions: readonly ProgramChangeAction[];
  /** Why it does not advance, in present-tense sentences. */
  readonly waitingOn: readonly string[];
}

/** The granted program is started, or runs, on trial as long as the change is in one of these. */
export const isTrial = ({ phase }: ProgramChange): boolean =>
  phase === "changing-over" || phase === "on-trial" || phase === "provisional";

export const isProgramChangeSettled = ({ phase }: ProgramChange): boolean => phase === "ended" || phase === "done";

/** The program that a change is of. */
export const unitOf = ({ release }: Pick<ProgramChange, "release">): ProgramUnit =>
  isProgramUnit(release.unit) ? release.unit : unreachable(release.unit as never);

/** What the coordinator is told; undefined once it is confirmed, because then the proven release speaks. */
export function programChangeProgress(
  change: ProgramChange,
  waitingOn: readonly string[] = [],
): GrantProgress | undefined {
  const words = (doing: string): GrantProgress => ({
    kind: "preparing",
    doing: [`${doing} ${change.release.unit} ${change.release.version}`, ...waitingOn].join("; "),
  });
  switch (change.phase) {
    case "installing":
      return words("installing");
    case "trying":
      return words("trying");
    case "changing-over":
      return words("changing over to");
    case "on-trial":
      return words("on trial:");
    case "handing-back":
      return words("going back from");
    case "provisional":
      return { kind: "provisional", switchedAt: change.switchedAt, switchMs: change.switchMs };
    case "ended":
      return change.end;
    case "done":
      return undefined;
    default:
      return unreachable(change);
  }
}
