/**
 * The word to a host that it is its turn: it reboots once, and only while it still runs by the boot that is named. A host
 * that has started otherwise since then has done what was asked, whoever rebooted it.
 */
export interface RebootOrder {
  readonly id: string;
  /** The kernel's id of the boot that is to end. */
  readonly bootId: string;
}

/** What a host says of how it was started and whether it can start itself anew. */
export interface BootSeen {
  /** The kernel's id of this boot. */
  readonly id: string;
  /** Its agent was told a command that reboots it. */
  readonly canReboot: boolean;
  /** The newest order that was begun here, whatever became of it. */
  readonly order?: RebootSeen;
}

export interface RebootSeen {
  readonly id: string;
  readonly state: RebootState;
  readonly sentence: string;
}

export const rebootStates = ["begun", "failed", "interrupted"] as const;

/**
 * `begun`: the command was started, and the host still runs by the same boot. `failed`: the command was refused or failed.
 * `interrupted`: the agent ended meanwhile, so that nobody can tell; it is never started again by the same order.
 */
export type RebootState = (typeof rebootStates)[number];
