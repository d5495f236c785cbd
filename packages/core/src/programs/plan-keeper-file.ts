import type { UnitRelease } from "../intent/intent.ts";
import { type ProgramToStart, programToStart } from "./plan-program-file.ts";

/** Which keeper is started where there is none; written by the agent only. */
export interface KeeperFile {
  readonly version: 1;
  /** Absent: nothing is proven, and what was installed by hand is started. */
  readonly proven?: ProgramToStart;
  /** The keeper that was installed by hand: the file that Node is started with. */
  readonly installed?: string;
}

export interface KeeperFileInput {
  readonly file: KeeperFile;
  /** What the agent remembers as proven; absent: nothing, or it has lost its memory. */
  readonly proven: UnitRelease | undefined;
  /** The keeper of the agent's own build. */
  readonly own: string;
  /** The agent was installed by hand itself; else a rollout has brought it. */
  readonly isAgentInstalled: boolean;
  /** What `file.installed` names is there. */
  readonly isInstalledThere: boolean;
}

/**
 * What is to be written there. What was proven is taken from the file when the agent has no memory of it. A newer agent
 * brings no newer keeper: the installed one that is proven stays named as long as it is there, and an agent that came by a
 * rollout names its own only where no other is known.
 */
export function planKeeperFile(input: KeeperFileInput): KeeperFile {
  const { file, own, isAgentInstalled, isInstalledThere } = input;
  const proven = input.proven === undefined ? file.proven : programToStart(input.proven);
  const isHeld = (proven !== undefined && proven.files === undefined) || !isAgentInstalled;
  const installed = isHeld && isInstalledThere && file.installed !== undefined ? file.installed : own;
  return { version: 1, ...(proven === undefined ? {} : { proven }), installed };
}
