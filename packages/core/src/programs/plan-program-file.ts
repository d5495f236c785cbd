import type { AgentSeen } from "../activation/observed-host.ts";
import type { UnitRelease } from "../intent/intent.ts";
import type { Instant } from "../units/time.ts";
import { isTrial, type ProgramChange } from "./program-change.ts";
import { isInstalledByHand, isProgram } from "./program-release.ts";

/** What the watchdog of a host is to start; written by the agent only. */
export interface ProgramFile {
  readonly version: 1;
  /** Absent: the program that was installed by hand. */
  readonly proven?: ProgramToStart;
  /** Started in place of the proven one, once, as long as it is confirmed in time. */
  readonly trial?: ProgramToStart & {
    readonly grant: string;
    readonly confirmBy: Instant;
    /** It reached the coordinator and found every unit healthy. */
    readonly isReported: boolean;
  };
}

export interface ProgramToStart {
  /** Of the release. */
  readonly digest: string;
  readonly release: string;
  /** Where its files are; absent: the program that was installed by hand. */
  readonly files?: { readonly artifact: string; readonly entry: string };
}

export interface ProgramInput {
  readonly file: ProgramFile;
  readonly changes: readonly ProgramChange[];
  /** What the agent remembers as proven; absent: nothing, or it has lost its memory. */
  readonly proven: UnitRelease | undefined;
  readonly agent: AgentSeen;
}

export interface ProgramPlan {
  readonly file: ProgramFile;
  /** This process has to end so that the watchdog starts what the file names. */
  readonly changesOver: boolean;
}

/**
 * What the watchdog is to be told, and whether it is its turn. What was proven is taken from the file when the agent has
 * no memory of it: nothing goes live because a file was lost.
 */
export function planProgramFile({ file, changes, proven, agent }: ProgramInput): ProgramPlan {
  const change = changes.find(isTrial);
  const live = proven === undefined ? file.proven : toStart(proven);
  const next: ProgramFile = {
    version: 1,
    ...(live === undefined ? {} : { proven: live }),
    ...(change === undefined ? {} : { trial: trialOf(change) }),
  };
  const begins = change !== undefined && change.phase === "changing-over" && agent.trial !== change.grant.id;
  const isOnTrial = file.trial !== undefined && file.trial.grant === agent.trial;
  // Once it is proven, what was on trial stays.
  const ends = isOnTrial && proven?.digest !== agent.digest && change?.grant.id !== agent.trial;
  return { file: next, changesOver: (begins && agent.trialEnds[change.grant.id] === undefined) || ends };
}

function trialOf(change: ProgramChange): NonNullable<ProgramFile["trial"]> {
  const { grant, release, phase } = change;
  return {
    ...programToStart(release),
    grant: grant.id,
    confirmBy: grant.confirmBy,
    isReported: phase === "provisional",
  };
}

const toStart = (release: UnitRelease): ProgramToStart | undefined =>
  isInstalledByHand(release) ? undefined : programToStart(release);

/** A release as it is named to those who start it. */
export function programToStart({ digest, version, content }: UnitRelease): ProgramToStart {
  const files = isProgram(content) ? content.files : undefined;
  return { digest, release: version, ...(files === undefined ? {} : { files }) };
}
