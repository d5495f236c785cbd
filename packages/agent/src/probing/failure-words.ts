/** Errors of this machine, not of whoever was asked: they say nothing about them. */
const ownErrors: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"]);

/** True when an error means that the question could not be asked at all. */
export function isOwnError(error: unknown): boolean {
  return ownErrors.has(errorCode(error));
}

/** A failed connection or exchange in words; `to` names what was connected to. */
export function failureWords(error: unknown, to: string): string {
  const code = errorCode(error);
  const words = wordsByCode[code];
  if (words !== undefined) return `${to} ${words}`;
  if (code.startsWith("HPE_")) return `${to} answered with something that is not HTTP (${code})`;
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") return `${to} does not speak TLS as expected (${code})`;
  return `${to} could not be asked: ${error instanceof Error ? error.message : String(error)}`;
}

const wordsByCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refused the connection",
  ECONNRESET: "closed the connection without an answer",
  EPIPE: "closed the connection without an answer",
  ENOTFOUND: "has no address: its name does not resolve",
  EAI_AGAIN: "has no address right now: the resolver does not answer",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  ETIMEDOUT: "did not answer the connection attempt",
  ENOENT: "does not exist",
};

/** The code of an error, or of the first error inside it when several addresses were tried. */
function errorCode(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errorCode(error.errors[0]);
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? "";
}
