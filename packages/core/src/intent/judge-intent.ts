import type { Intent } from "./intent.ts";

export type IntentVerdict =
  | { readonly kind: "apply" }
  | { readonly kind: "already-applied" }
  | { readonly kind: "stale"; readonly have: number; readonly got: number }
  | { readonly kind: "stale-fence"; readonly have: number; readonly got: number }
  | { readonly kind: "conflicting"; readonly generation: number; readonly have: string; readonly got: string };

/** What an agent remembers of the intents it obeyed; survives restarts. */
export interface IntentMemory {
  readonly maxFence: number;
  readonly generation: number;
  readonly digest: string;
}

/**
 * An agent moves forwards only (promise 11): a lower fence loses whatever its generation, older generations lose,
 * equal ones must be identical.
 */
export function judgeIntent(
  have: IntentMemory | undefined,
  got: Pick<Intent, "fence" | "generation" | "digest">,
): IntentVerdict {
  if (have === undefined) return { kind: "apply" };
  if (got.fence < have.maxFence) return { kind: "stale-fence", have: have.maxFence, got: got.fence };
  if (got.generation > have.generation) return { kind: "apply" };
  if (got.generation < have.generation) return { kind: "stale", have: have.generation, got: got.generation };
  return got.digest === have.digest
    ? { kind: "already-applied" }
    : { kind: "conflicting", generation: got.generation, have: have.digest, got: got.digest };
}
