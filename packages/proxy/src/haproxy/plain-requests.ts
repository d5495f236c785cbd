import { quote } from "./quote.ts";
import { announcedId, controlCharacters, endingFamilies, endingNames } from "./request-rules.ts";

/**
 * Most requests are plain: a known host name as clients send it, nothing that could be read in two ways, no header that ends
 * here. One look at the head tells, and what the rules for all others do is then nothing; so those are skipped.
 */
export function plainRules(headerBytesMax: number): readonly string[] {
  // A header of the text takes at most five times its bytes in memory, as `a:` does.
  const small = `{ internal.htx.data lt ${Math.floor(headerBytesMax / 5)} }`;
  const usual = `{ var(txn.base) -m found } { req.ver 1.1 } { url -m beg / } ${small}`;
  return [
    "acl repeatable method GET HEAD OPTIONS TRACE",
    `http-request allow if repeatable ${usual} !{ req.hdrs -m reg -i ${quote(oddHead("content-length|transfer-encoding"))} }`,
    `http-request allow if !repeatable !METH_CONNECT ${usual} !{ req.hdrs -m reg -i ${quote(oddHead())} }`,
    "http-request set-var(txn.odd) bool(true)",
  ];
}

/** Looks the binding up by the Host as it came; `txn.base` says which, once more when the name has been read properly. */
export const usualBindingRule = (hostsMap: string): string =>
  `http-request set-var(txn.base) req.fhdr(host),concat(/,sess.port),map_str_int(${hostsMap})`;

/** What is the same for all requests of a connection: which binding port it came in on, and who is at its other end. */
export const connectionRules: readonly string[] = [
  "tcp-request session set-var-fmt(sess.port) %[so_id]",
  `tcp-request session set-var-fmt(sess.port) %[dst_port] if { so_id ge ${announcedId} }`,
];

/** Of the text of a head: anything that the plain way has no rule for, and the headers of `more`. */
export function oddHead(more = ""): string {
  const names = `te|upgrade|expect|${more === "" ? "" : `${more}|`}${endingNames}`;
  const connection = "connection:(?! (?:close|keep-alive)\\r)";
  const encoding = "transfer-encoding:(?! chunked\\r)";
  return `${controlCharacters}|(?:^|\\n)(?:(?:${names}):|${endingFamilies}|${connection}|${encoding})`;
}
