import type { DurationMs, Instant } from "../units/time.ts";
import type { TestedStratum } from "./tested-stratum.ts";

/** Requests or probes, and how many of them were bad. */
export interface Tally {
  readonly requests: number;
  readonly bad: number;
}

/**
 * What a stratum of a host may be compared with, decided by what is there (health-verdict §2.4):
 *
 * - `both` its own history and the hosts not changed yet
 * - `history` before/after only: a cause outside this host is not excluded
 * - `others` new: compared with the other hosts only
 * - `nothing` no reference: only a probe that never worked speaks against it
 */
export type References = "both" | "history" | "others" | "nothing";

/**
 * What is known of a stratum now:
 *
 * - `fine` nothing speaks against it, and if it is required, what a pass needs is there
 * - `suspect` evidence speaks against it, too little to halt; it lets no wave pass
 * - `regressed` halts the rollout
 * - `shared` it got worse, and so it did on hosts that were not changed: not this change's doing, and no pass either
 * - `silent` its requests stay away, in number and against the share it had; never a pass and never a halt by itself
 * - `no-data` required and without any evidence since the change
 * - `needs-more` required and with too little evidence to rule out an increase
 */
export type RowState = "fine" | "suspect" | "regressed" | "shared" | "silent" | "no-data" | "needs-more";

/** One line of the table of evidence: what was counted for a stratum on a changed host, and what follows from it. */
export interface VerdictRow {
  readonly host: string;
  readonly stratum: TestedStratum;
  readonly required: boolean;
  readonly state: RowState;
  /** The change went live then; `observedMs` of evidence were judged since. */
  readonly since: Instant;
  readonly observedMs: DurationMs;
  readonly now: Tally;
  readonly before: Tally;
  /** On hosts not changed yet, in the same time. */
  readonly others: Tally & { readonly hosts: number };
  readonly references: References;
  /** Evidence that it got worse, as `evidence` : 1 against chance; a stratum alone halts at `bar`. */
  readonly evidence: number;
  readonly bar: number;
  /** When the newest block or round with requests began. */
  readonly newestAt?: Instant;
  /** The newest failure of a probe in words. */
  readonly lastFailure?: string;
  /** The smallest increase that is excluded by now; 1 excludes nothing. */
  readonly ruledOut: number;
  /** The increase a pass has to exclude, if the stratum is required. */
  readonly toRuleOut?: number;
  /**
   * Good requests (or rounds of a probe) still missing for a pass, and how long they take at the present rate. Without a number:
   * it was so bad before that no number would do.
   */
  readonly missing?: { readonly requests?: number; readonly takesMs?: DurationMs };
}
