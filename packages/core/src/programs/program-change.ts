import type { ActionFailure, ActivationEnd, GrantWord, ProbeRoundOrder } from "../activation/activation.ts";
import type { AgentSeen, ObservedHost } from "../activation/observed-host.ts";
import type { ProbeTally } from "../activation/probe-tally.ts";
import type { GrantProgress } from "../host/observation.ts";
import type { Grant, SiteDuties, UnitRelease } from "../intent/intent.ts";
import type { Instant } from "../units/time.ts";
import { unreachable } from "../units/unreachable.ts";

interface Subject {
  /** As the newest intent that held it said. */
  readonly grant: Grant;
  readonly since: Instant;
  readonly release: UnitRelease;
}

/**
 * The states of a grant for the agent's own program on one host. Users are touched in none of them: proxies and slots go on
 * without an agent.
 */
export type ProgramChange =
  /** The program is being put on disk. Leaves to `trying` when it is complete. */
  | (Subject & { readonly phase: "installing"; readonly deadline: Instant })
  /** The program is started once to say its version. Leaves to `changing-over` when that is the release's. */
  | (Subject & { readonly phase: "trying"; readonly deadline: Instant })
  /**
   * The watchdog is to end this program and to start the granted one on trial. Leaves to `on-trial` in the program that was
   * started, to `ended` in the one before when the watchdog says that the trial is over.
   */
  | (Subject & { readonly phase: "changing-over"; readonly startedAt: Instant; readonly deadline: Instant })
  /** The granted program runs and looks whether all is well. Leaves to `provisional`. */
  | (Subject & { readonly phase: "on-trial"; readonly startedAt: Instant; readonly deadline: Instant })
  /** It runs, reaches the coordinator and finds every unit healthy. Leaves on the coordinator's word, or to `ended`. */
  | (Subject & { readonly phase: "provisional"; readonly switchedAt: Instant; readonly switchMs: number })
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
  readonly tally: ProbeTally;
}

export const noChangeFacts: ProgramChangeFacts = { failures: [], tally: {} };

export interface ProgramChangeInput {
  readonly now: Instant;
  readonly state: ProgramChange;
  readonly word: GrantWord;
  readonly host: ObservedHost;
  readonly agent: AgentSeen;
  /** The coordinator hears this agent. */
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
  | { readonly kind: "probe"; readonly rounds: readonly ProbeRoundOrder[] };

export interface ProgramChangePlan {
  /** Saved before any action is carried out. */
  readonly next: ProgramChange;
  readonly actions: readonly ProgramChangeAction[];
  /** Why it does not advance, in present-tense sentences. */
  readonly waitingOn: readonly string[];
}

/** The watchdog starts, or runs, the granted program on trial as long as the change is in one of these. */
export const isTrial = ({ phase }: ProgramChange): boolean =>
  phase === "changing-over" || phase === "on-trial" || phase === "provisional";

export const isProgramChangeSettled = ({ phase }: ProgramChange): boolean => phase === "ended" || phase === "done";

/** What the coordinator is told; undefined once it is confirmed, because then the proven release speaks. */
export function programChangeProgress(change: ProgramChange, waitingOn: readonly string[] = []): GrantProgress | undefined {
  const words = (doing: string): GrantProgress => ({
    kind: "preparing",
    doing: [`${doing} agent ${change.release.version}`, ...waitingOn].join("; "),
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
