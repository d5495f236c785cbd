import type { Hop } from "../probing/probe-result.ts";
import type { DurationMs, Instant } from "../units/time.ts";
import type { VerdictRow } from "./verdict-row.ts";

/** The unit of evidence: one site × binding × hop × source × indicator on one host. */
export interface Stratum {
  readonly site: string;
  readonly binding: string;
  readonly hop: Hop;
  readonly source: "probe" | "traffic";
  readonly indicator: "failure";
}

/** `requests` asked and `bad` of them in one block of ten seconds; closed blocks only, each fed exactly once. */
export interface Block {
  readonly startsAt: Instant;
  readonly requests: number;
  readonly bad: number;
}

/** A stratum on one host, with everything a verdict may compare it with. */
export interface StratumEvidence {
  readonly host: string;
  readonly stratum: Stratum;
  /** A required stratum must pass before the wave does. */
  readonly required: boolean;
  /** Since the activation under judgement. */
  readonly blocks: readonly Block[];
  /** The same stratum on the same host before the activation: blocks without a bad one, and the others. */
  readonly history: { readonly cleanBlocks: number; readonly badBlocks: readonly Block[] };
  /** The same stratum in the same time on hosts this rollout has not changed yet. */
  readonly controls: readonly { readonly host: string; readonly blocks: readonly Block[] }[];
  /** Results in a row up to now, since the activation; unknown results count as neither. */
  readonly badInRow: number;
  readonly goodInRow: number;
  /**
   * From the switch to the newest result of the probe that has been silent longest, both by the host's own clock: how
   * much of the soak the evidence speaks for. Messages may be under way for longer than a fault needs to show.
   */
  readonly coveredMs: DurationMs;
  /** When the newest result came in, of the probe that has been silent longest; by the clock of `now`. */
  readonly heardAt?: Instant;
  /** The newest failure in words. */
  readonly lastFailure?: string;
}

export interface VerdictInput {
  readonly now: Instant;
  /** When the last activation under judgement became live. */
  readonly since: Instant;
  /** How long after its switch a stratum has to be known to be good. */
  readonly soakMs: DurationMs;
  /** How long a result speaks for the present; silence beyond that is no evidence, however good it was before. */
  readonly freshMs: DurationMs;
  readonly strata: readonly StratumEvidence[];
}

/**
 * `reasons` are sentences for terminal, JSON and log alike; `missing` says what evidence is still wanted. `rows` is the table
 * behind the sentences, one row for each stratum of each host under judgement.
 */
export type Verdict =
  | { readonly kind: "pass"; readonly reasons: readonly string[]; readonly rows?: readonly VerdictRow[] }
  | { readonly kind: "regressed"; readonly reasons: readonly string[]; readonly rows?: readonly VerdictRow[] }
  | {
      readonly kind: "inconclusive";
      readonly missing: readonly string[];
      /** Hosts that were not changed fail as well: the change is not the cause, and a revert would not help. */
      readonly environmentUnhealthy?: true;
      readonly rows?: readonly VerdictRow[];
    };

/** A rule that turns evidence into a verdict. Pure: same input, same verdict. */
export type Judge = (input: VerdictInput) => Verdict;
