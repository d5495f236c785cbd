import type { VerdictRow } from "./verdict-row.ts";

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

/** Hosts that were not changed fail as well. */
export const isUnhealthy = (verdict: Verdict): boolean =>
  verdict.kind === "inconclusive" && verdict.environmentUnhealthy === true;
