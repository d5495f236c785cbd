/** What HAProxy 2.6 does otherwise, and can't be told not to. Beginning of the names of tests, and why. */
export const haproxyDifferences: readonly (readonly [name: RegExp, why: string])[] = [
  [
    /two equal Hosts|two equal Content-Lengths|a list in Content-Length|Content-Length and Transfer-Encoding |Transfer-Encoding and Content-Length |a folded header line|lines that end with LF alone|a chunk that ends with LF alone/,
    "HAProxy makes one unambiguous request of it before any rule sees it, and forwards that",
  ],
  [/keep order, case, duplicates/, "HAProxy writes header names in lower case; order, duplicates and values are kept"],
  [
    /hop-by-hop headers and those named in Connection end/,
    "the names that stay are compared by case, which HAProxy does not keep",
  ],
  [
    /HTTP\/1\.0 is served and its connection ends|an HTTP\/1\.0 client never gets|whatever a client says/,
    "HAProxy asks the slot in HTTP/1.0 for a client that speaks it",
  ],
  [/trailers travel both ways/, "HAProxy 2.6 has no rules for trailers: those of a slot reach the client as they are"],
  [/another encoding before chunked/, "HAProxy refuses it as well, with 422"],
  [/an upgrade to (?:websocket, h2c|h2c,websocket)/, "HAProxy refuses it, with 400"],
  [
    /a chunked request of 104857600 bytes/,
    "stalled once in about thirty runs through two HAProxy processes; not understood, see the engine's README",
  ],
  [/a slot that refuses before the body is heard/, "HAProxy keeps the connection and reads the body to its end"],
  [
    /a slot that never reads takes bounded memory/,
    "HAProxy ends the connection of an upload that its slot does not read, without an answer",
  ],
  [
    /a slot that does not accept connections is answered for with 504/,
    "HAProxy does not tell a timeout of connecting from a refusal: 502",
  ],
  [
    /a client that stops in the middle of its body is answered 408/,
    "HAProxy takes the silence for that of the slot: 504",
  ],
  [/no more than connectionsMax connections/, "HAProxy leaves connections beyond the limit in the kernel's queue"],
  [/a hundred headers and more/, "HAProxy reads a few thousand headers at most"],
  [
    /closes idle connections/,
    "a draining HAProxy waits for idle clients until the limit: closing them would lose requests",
  ],
  [/a process whose state is/, "the orders of HAProxy are its configuration and its map, not state.json"],
  [/a handshake that never ends/, "HAProxy bounds handshakes by its client timeout"],
  [/a certificate that is no good ends the start/, "the start is refused before there is a process that could end"],
  [
    /a client that goes away before it is answered is counted/,
    "HAProxy has no rule that runs for a request without an answer",
  ],
  [
    /(?:version 1 of the protocol|the LOCAL command) on the probe socket|a header that comes byte by byte is a header/,
    "HAProxy takes every PROXY header, but only in one piece",
  ],
  [
    /a status with two digits|another version in a response|Content-Length and Transfer-Encoding in a response|a bare LF inside of a header in a response|NUL in a header in a response/,
    "HAProxy reads responses leniently and writes them anew",
  ],
  [/in the middle of a body with neither/, "HAProxy can't tell such a silence from the end of the body"],
  [
    /a client that breaks off is noticed by the slot/,
    "HAProxy resets the slot's connection, as the client did; the test wants it closed",
  ],
];
