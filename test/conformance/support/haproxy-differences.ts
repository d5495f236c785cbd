/** A test that HAProxy 2.6 can't pass, by the beginning of its name, and why. Each was seen to fail, for this reason. */
interface Difference {
  readonly name: RegExp;
  readonly why: string;
  /** First version of 2.6 for which this does not hold. */
  readonly mendedIn?: string;
}

const differences: readonly Difference[] = [
  {
    name: /the names of (?:request|response) headers keep their case/,
    why: "HAProxy writes header names in lower case; `h1-case-adjust` knows fixed spellings, not those of the sender",
  },
  {
    name: /a slot is asked in the version of the proxy/,
    why: "HAProxy asks the slot in HTTP/1.0 for a client that speaks it, and has no rule for the version",
  },
  {
    name: /an HTTP\/1\.0 client never gets an informational response/,
    why: "HAProxy sends informational responses on before any rule sees them",
  },
  {
    name: /trailers of a (?:client|slot) that could frame|whatever trailers a client says/,
    why: "HAProxy 2.6 has no rules for trailers: they pass as they are",
  },
  {
    name: /the target http:\/\/app\.test\?q=1, which has no path/,
    why: "HAProxy takes the query for a part of the authority, which is then not the Host: 400",
  },
  {
    name: /a slot that closes idle connections at once costs no request/,
    why: "HAProxy 2.6 can't repeat a request whose pooled connection is reset without repeating those on fresh ones; it drops unused ones within some tens of milliseconds",
  },
  {
    name: /a chunked request of 104857600 bytes/,
    why: "a chunk that ends where a buffer is full stalls the upload until a timeout (haproxy#2262)",
    mendedIn: "2.6.16",
  },
  {
    name: /that a slot does not accept connections is told as 504/,
    why: "HAProxy answers 503 for every connection it does not get, made 502 here; its rules can't see why",
  },
  {
    name: /that a client stops in the middle of its body is told as 408/,
    why: "HAProxy takes silence after the head for that of the slot, whichever timeout ends first: 504",
  },
  {
    name: /a draining process closes idle connections after graceMs/,
    why: "a draining HAProxy waits for idle clients until the limit: closing them would lose requests",
  },
  { name: /a process whose state is/, why: "the orders of HAProxy are its configuration and its map, not state.json" },
  {
    name: /a handshake that never ends is cut after headersTimeoutMs/,
    why: "HAProxy bounds handshakes by its client timeout; 2.6 has no timeout of their own",
  },
  {
    name: /a client that goes away before it is answered is counted/,
    why: "HAProxy has no rule that runs for a request without an answer",
  },
];

/** What the installed version does otherwise. */
export function haproxyDifferences(version: string): readonly (readonly [name: RegExp, why: string])[] {
  return differences
    .filter(({ mendedIn }) => mendedIn === undefined || isOlder(version, mendedIn))
    .map(({ name, why }) => [name, why]);
}

function isOlder(version: string, other: string): boolean {
  const [major = 0, minor = 0, patch = 0] = numbersOf(version);
  const [otherMajor = 0, otherMinor = 0, otherPatch = 0] = numbersOf(other);
  return (major - otherMajor || minor - otherMinor || patch - otherPatch) < 0;
}

const numbersOf = (version: string): readonly number[] => version.split(/[.-]/).map(Number);
