import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { ProblemCategory, ProblemReason } from "@sluice/core";
import { Problem, problemCatalogue } from "@sluice/core/problems/problem";

/** Metadata keys of a problem; `-bin` because sentences may hold any character. */
const reasonKey = "sluice-reason";
const sentenceKey = "sluice-sentence-bin";
const hintKey = "sluice-hint-bin";

const codes: Readonly<Record<ProblemCategory, status>> = {
  invalid: status.INVALID_ARGUMENT,
  "not-found": status.NOT_FOUND,
  conflict: status.ABORTED,
  refused: status.FAILED_PRECONDITION,
  unavailable: status.UNAVAILABLE,
  timeout: status.DEADLINE_EXCEEDED,
  corrupt: status.DATA_LOSS,
  internal: status.INTERNAL,
};

/** What a gRPC handler answers for any error. Unforeseen errors tell their reader nothing but that they happened: details belong in the log. */
export function toServiceError(
  error: unknown,
): Pick<ServiceError, "code" | "details" | "metadata" | "message" | "name"> {
  const problem =
    error instanceof Problem
      ? error
      : new Problem("internal", "an unforeseen error happened; the coordinator's log has it");
  const metadata = new Metadata();
  metadata.set(reasonKey, problem.reason);
  metadata.set(sentenceKey, Buffer.from(problem.message));
  if (problem.hint !== undefined) metadata.set(hintKey, Buffer.from(problem.hint));
  return {
    name: "ServiceError",
    message: problem.message,
    details: problem.message,
    code: codes[problem.category],
    metadata,
  };
}

/** The problem behind a gRPC error; `unreachable` is the reason given when no answer came at all. */
export function fromServiceError(
  error: unknown,
  unreachableReason: ProblemReason = "coordinator-unreachable",
): Problem {
  if (error instanceof Problem) return error;
  if (!isServiceError(error)) return new Problem("internal", "an unforeseen error happened", { cause: error });
  const reason = text(error.metadata, reasonKey);
  if (reason !== undefined && isReason(reason)) {
    const hint = text(error.metadata, hintKey);
    return new Problem(reason, text(error.metadata, sentenceKey) ?? error.details, hint === undefined ? {} : { hint });
  }
  switch (error.code) {
    case status.UNAVAILABLE:
      return new Problem(unreachableReason, "no answer", { cause: error });
    case status.DEADLINE_EXCEEDED:
      return new Problem("deadline-passed", "no answer in time", { cause: error });
    default:
      return new Problem("internal", `the call failed with ${status[error.code]}`, { cause: error });
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

function text(metadata: Metadata | undefined, key: string): string | undefined {
  const [value] = metadata?.get(key) ?? [];
  return value === undefined ? undefined : value.toString();
}

function isReason(text: string): text is ProblemReason {
  return Object.hasOwn(problemCatalogue, text);
}
