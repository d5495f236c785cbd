/** How a failure is met: `protocol` maps these to gRPC status codes, the CLI to exit codes. */
export type ProblemCategory =
  | "invalid"
  | "not-found"
  | "conflict"
  | "refused"
  | "unavailable"
  | "timeout"
  | "corrupt"
  | "internal";

/** Reason code, one sentence of its own, and what to do next. The chain of causes is rendered once, at the edge (`describeProblem`). */
export class Problem extends Error {
  readonly reason: ProblemReason;
  readonly hint: string | undefined;

  constructor(
    reason: ProblemReason,
    sentence: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(sentence, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Problem";
    this.reason = reason;
    this.hint = options.hint;
  }

  get category(): ProblemCategory {
    return problemCatalogue[this.reason].category;
  }

  get retryHelps(): boolean {
    return problemCatalogue[this.reason].retryHelps;
  }
}

const invalid = { category: "invalid", retryHelps: false } as const;
const refused = { category: "refused", retryHelps: false } as const;
const unavailable = { category: "unavailable", retryHelps: true } as const;

/** Every reason there is. A new failure gets its line here before it is thrown anywhere. */
export const problemCatalogue = {
  "fleet-file-invalid": invalid,
  "usage-invalid": invalid,
  "message-invalid": invalid,
  "release-invalid": invalid,
  "artifact-truncated": invalid,
  "artifact-digest-mismatch": invalid,
  "artifact-path-escape": invalid,
  "proxy-settings-invalid": invalid,
  "certificate-invalid": invalid,
  "site-unknown": { category: "not-found", retryHelps: false },
  "host-unknown": { category: "not-found", retryHelps: false },
  "environment-unknown": { category: "not-found", retryHelps: false },
  "release-unknown": { category: "not-found", retryHelps: false },
  "rollout-unknown": { category: "not-found", retryHelps: false },
  "freeze-unknown": { category: "not-found", retryHelps: false },
  "alert-unknown": { category: "not-found", retryHelps: false },
  "mute-unknown": { category: "not-found", retryHelps: false },
  "fleet-missing": { category: "not-found", retryHelps: false },
  "artifact-unknown": { category: "not-found", retryHelps: true },
  "route-unknown": { category: "not-found", retryHelps: false },
  "socket-unknown": { category: "not-found", retryHelps: false },
  "child-unknown": { category: "not-found", retryHelps: false },
  "socket-conflict": { category: "conflict", retryHelps: false },
  "child-conflict": { category: "conflict", retryHelps: false },
  "unit-busy": { category: "conflict", retryHelps: true },
  "order-conflict": { category: "conflict", retryHelps: false },
  "release-conflict": { category: "conflict", retryHelps: false },
  "intent-stale": { category: "conflict", retryHelps: false },
  "intent-conflicting": { category: "conflict", retryHelps: false },
  "fence-behind": { category: "conflict", retryHelps: false },
  "verb-refused": refused,
  "role-missing": refused,
  "reason-missing": invalid,
  "coordinator-unreachable": unavailable,
  "host-unreachable": unavailable,
  "agent-unreachable": unavailable,
  "keeper-unreachable": unavailable,
  "proxy-unreachable": unavailable,
  "port-taken": unavailable,
  "spawn-failed": { category: "internal", retryHelps: true },
  "slot-exited": { category: "internal", retryHelps: false },
  "disk-full": unavailable,
  "deadline-passed": { category: "timeout", retryHelps: true },
  "state-corrupt": { category: "corrupt", retryHelps: false },
  internal: { category: "internal", retryHelps: false },
} as const satisfies Record<string, { readonly category: ProblemCategory; readonly retryHelps: boolean }>;

export type ProblemReason = keyof typeof problemCatalogue;
