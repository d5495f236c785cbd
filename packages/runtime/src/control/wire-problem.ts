import { Problem, type ProblemReason, problemCatalogue } from "@sluice/core/problems/problem";

/** How a problem travels: `{ "problem": { reason, message, hint?, because? } }`. `because` holds the messages of its causes. */
export interface WireProblem {
  readonly problem: {
    readonly reason: string;
    readonly message: string;
    readonly hint?: string;
    readonly because?: readonly string[];
  };
}

const statusByCategory = {
  invalid: 400,
  refused: 403,
  "not-found": 404,
  conflict: 409,
  unavailable: 503,
  timeout: 504,
  corrupt: 500,
  internal: 500,
} as const;

/** `port-taken` heals by itself like anything unavailable, yet for HTTP it is a conflict with somebody else's state. */
export function statusOf(problem: Problem): number {
  return problem.reason === "port-taken" ? 409 : statusByCategory[problem.category];
}

export function toWire(problem: Problem): WireProblem {
  const because = causesOf(problem);
  return {
    problem: {
      reason: problem.reason,
      message: problem.message,
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
      ...(because.length === 0 ? {} : { because }),
    },
  };
}

/** The problem in a body; undefined when there is none that we understand. Unknown reasons become `internal`. */
export function fromWire(body: unknown): Problem | undefined {
  if (!isRecord(body) || !isRecord(body.problem)) return undefined;
  const { reason, message, hint, because } = body.problem;
  if (typeof reason !== "string" || typeof message !== "string") return undefined;
  const causes = Array.isArray(because) ? because.filter((text) => typeof text === "string") : [];
  const cause = causes.reduceRight<Error | undefined>(
    (inner, text) => new Error(text, inner === undefined ? undefined : { cause: inner }),
    undefined,
  );
  return new Problem(isReason(reason) ? reason : "internal", message, {
    ...(typeof hint === "string" ? { hint } : {}),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Any thrown thing as a problem; what is not one becomes `internal` with itself as cause. */
export function asProblem(error: unknown, sentence: string): Problem {
  return error instanceof Problem ? error : new Problem("internal", sentence, { cause: error });
}

function causesOf(problem: Problem): readonly string[] {
  const texts: string[] = [];
  for (
    let at: unknown = problem.cause;
    at !== undefined && texts.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    texts.push(at instanceof Error ? at.message : String(at));
  }
  return texts;
}

const isReason = (text: string): text is ProblemReason => Object.hasOwn(problemCatalogue, text);

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
