import { readFileSync } from "node:fs";
import {
  checkServerIdentity,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import { Problem } from "@sluice/core/problems/problem";

/** Which certificates probes accept: those of the system's and Node's roots, and of `caFile`. */
export interface Trust {
  /** Built on first use (parsing the roots takes a while) and kept. */
  readonly context: () => SecureContext;
  /** Accepts certificates nobody vouches for; names and dates must still be right. */
  readonly acceptSelfSigned: boolean;
}

/** Throws `certificate-invalid` when `caFile` can't be read. */
export function trustOf(options: { readonly caFile?: string; readonly acceptSelfSigned?: boolean }): Trust {
  const own = options.caFile === undefined ? [] : [readRoots(options.caFile)];
  let context: SecureContext | undefined;
  return {
    context: () => {
      context ??= createSecureContext({ ca: [...wellKnownRoots(), ...own] });
      return context;
    },
    acceptSelfSigned: options.acceptSelfSigned ?? false,
  };
}

function readRoots(caFile: string): string {
  try {
    return readFileSync(caFile, "utf8");
  } catch (error) {
    throw new Problem("certificate-invalid", `cannot read the roots for probes from '${caFile}'`, { cause: error });
  }
}

const wellKnownRoots = (): readonly string[] => [
  ...new Set([...getCACertificates("default"), ...getCACertificates("system")]),
];

/** Errors that only mean "nobody we trust vouches for it". */
const selfSignedErrors: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Why the certificate of a connected socket is not good for `serverName`, in words; undefined when it is. */
export function certificateFault(
  socket: TLSSocket,
  serverName: string,
  trust: Trust,
  nowMs: number,
): string | undefined {
  const certificate = socket.getPeerCertificate();
  const mismatch = checkServerIdentity(serverName, certificate);
  if (mismatch !== undefined)
    return `certificate is not for ${serverName} but for ${certificate.subjectaltname ?? certificate.subject?.CN ?? "no name"}`;
  if (Date.parse(certificate.valid_to) < nowMs)
    return `certificate for ${serverName} expired on ${certificate.valid_to}`;
  if (socket.authorized) return undefined;
  // Node types this as an Error, but gives the code of the verification as a string.
  const code = verificationCode(socket.authorizationError);
  if (trust.acceptSelfSigned && selfSignedErrors.has(code)) return undefined;
  return `certificate for ${serverName} is not trusted: ${verificationWords[code] ?? code.toLowerCase().replaceAll("_", " ")}`;
}

const verificationWords: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "its chain ends in an unknown root",
  UNABLE_TO_GET_ISSUER_CERT: "its issuer is unknown",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its issuer is unknown",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its chain is incomplete or its issuer is unknown",
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
};

function verificationCode(error: unknown): string {
  if (typeof error === "string") return error;
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : "unknown";
}
