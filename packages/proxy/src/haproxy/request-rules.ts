import { quote } from "./quote.ts";

/** `so_id` of listeners that begin with a PROXY header; below are binding ports. */
export const announcedId = 100_000;

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const port = "(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})";
/** What `parseHostName` of core takes, as one expression. */
export const hostPattern = `^(?:(?=[^:]{1,254}(?::|$))${label}(?:\\.${label})*\\.?|\\[[0-9a-f:.]{2,45}\\]\\.?)(?::${port})?$`;

/** Header names of clients that end here: `headerFate` of core, aliases with underscores included. */
export const endingHeaders =
  "^(?:keep[-_]alive|proxy[-_]connection|proxy[-_]authenticate|proxy[-_]authorization|http2[-_]settings|forwarded|x[-_]public[-_]host|x[-_]real[-_]ip|proxy|x[-_]sluice[-_](?:probe|trace|served[-_]by)|x[-_](?:forwarded|original)[-_].*|transfer_encoding|content_length|content_type)$";

interface Hygiene {
  readonly sentence: string;
  /** A condition in the words of HAProxy. */
  readonly when: string;
}

const hygiene: readonly Hygiene[] = [
  { sentence: "CONNECT is not for a site", when: "if METH_CONNECT" },
  { sentence: "there is no Host header, or more than one", when: "unless { req.fhdr_cnt(host) eq 1 }" },
  {
    sentence: "the Host header is not a plain host name with an optional port",
    when: `unless { req.fhdr(host) -m reg -i ${quote(hostPattern)} }`,
  },
  {
    sentence: "the request target is not in a form that can be forwarded",
    when: "unless { url -m beg / } or { url -m beg -i http:// https:// } or { url -m str * } METH_OPTIONS",
  },
  {
    sentence: "a header value holds a control character",
    when: `if { req.hdrs -m reg ${quote("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]|\\r(?!\\n)")} }`,
  },
  {
    sentence: "Transfer-Encoding in HTTP/1.0",
    when: "if { req.fhdr(transfer-encoding) -m found } { req.ver 1.0 }",
  },
  { sentence: "only HTTP/1.0 and HTTP/1.1 are spoken here", when: "unless { req.ver 1.0 1.1 }" },
];

/** Refuses with 400 what two programs could read in two ways, and heads that are too long; the connection ends with it. */
export function hygieneRules(headerBytesMax: number): readonly string[] {
  const tooLong = `{ req.hdrs,length gt ${headerBytesMax} } or { url,length gt ${headerBytesMax} }`;
  return [
    `http-request track-sc0 str(malformed) table counts if ${tooLong}`,
    `http-request return status 431 hdr Connection close if ${tooLong}`,
    ...hygiene.map(({ sentence, when }) => `http-request set-var-fmt(txn.bad) ${quote(sentence)} ${when}`),
    "http-request track-sc0 str(malformed) table counts if { var(txn.bad) -m found }",
    'http-request return status 400 content-type "text/plain; charset=utf-8" hdr Connection close lf-string "%[var(txn.bad)]\\n" if { var(txn.bad) -m found }',
    "http-request return status 417 if { req.fhdr(expect) -m found } !{ req.fhdr(expect) -i -m str 100-continue }",
  ];
}

/** Which binding port a request came in on: the number of its listener, or what the PROXY header says. */
const portRules: readonly string[] = [
  "http-request set-var(txn.port) so_id",
  `http-request set-var(txn.port) dst_port if { so_id ge ${announcedId} }`,
];

/** Which binding a request is for; 421 when none. Sets `txn.b`, `txn.host` (with the client's port) and `txn.name`. */
export function bindingRules(hostsMap: string): readonly string[] {
  const lookup = `map_str(${hostsMap})`;
  return [
    ...portRules,
    `http-request set-var(txn.host) "req.fhdr(host),lower,regsub('\\.(:|\\$)','\\1')"`,
    `http-request set-var(txn.name) "var(txn.host),regsub(':[0-9]+\\$','')"`,
    'http-request set-var-fmt(txn.key) "%[var(txn.port)]/%[var(txn.name)]"',
    `http-request set-var(txn.b) var(txn.key),${lookup}`,
    `http-request set-var(txn.b) "var(txn.key),regsub('/[^.]*','/*'),${lookup}" unless { var(txn.b) -m found }`,
    "http-request track-sc0 str(unknown) table counts unless { var(txn.b) -m found }",
    'http-request return status 421 content-type "text/plain; charset=utf-8" string "no site is bound to this host name here\\n" unless { var(txn.b) -m found }',
  ];
}

/** Marks probes, by their token; an empty token marks nothing. */
export function probeRule(token: string, when = ""): readonly string[] {
  if (token === "") return [];
  return [`http-request set-var(txn.probe) bool(true) if { req.fhdr(x-sluice-probe) -m str ${quote(token)} }${when}`];
}

const token = "[!#$%&'*+.^_`|~0-9a-z-]+";
/** RFC 9110 §7.8: protocols, each a token with at most one version; none in which a client could go on to send requests. */
const upgradePattern = `^(?!(?:.*,)?[ \\t]*(?:h2c?|http|tls)[ \\t]*(?:$|[,/]))${token}(?:/${token})?(?:[ \\t]*,[ \\t]*${token}(?:/${token})?)*$`;

/** Ends what ends at this connection. An upgrade travels on when it is one that may: announced, without a body, not to HTTP/2. */
export const hopRules: readonly string[] = [
  "acl asks-upgrade req.hdr(connection) -i -m str upgrade",
  `acl upgradable req.fhdr(upgrade) -m reg -i ${quote(upgradePattern)}`,
  "acl has-body req.fhdr(transfer-encoding) -m found",
  "acl has-body req.hdr_val(content-length) gt 0",
  "http-request set-var(txn.upgrade) bool(true) if asks-upgrade upgradable !has-body { req.ver 1.1 }",
  "http-request set-var(txn.trailers) bool(true) if { req.hdr(te) -i -m str trailers }",
  `http-request lua.nominated if { req.fhdr(connection) -m found } !{ req.fhdr(connection) -i -m str close keep-alive upgrade }`,
  "http-request del-header connection",
  "http-request del-header upgrade unless { var(txn.upgrade) -m found }",
  "http-request set-header Connection Upgrade if { var(txn.upgrade) -m found }",
  "http-request del-header te",
  "http-request set-header TE trailers if { var(txn.trailers) -m found } !{ var(txn.upgrade) -m found }",
  `http-request del-header ${quote(endingHeaders)} -m reg`,
  "http-request set-uri %[pathq] if { url -m beg -i http:// https:// }",
];

/** An answer has a date (RFC 9110 §6.6.1), and only a proxy says who served. */
export const responseRules: readonly string[] = [
  "http-response set-var(txn.answered) bool(true)",
  "http-response lua.nominated_response if { res.fhdr(connection) -m found } !{ res.fhdr(connection) -i -m str close keep-alive upgrade }",
  "http-response del-header connection unless { status 101 }",
  "http-response del-header upgrade unless { status 101 }",
  "http-response del-header keep-alive",
  "http-response del-header proxy-connection",
  'http-response set-header Date "%[date,http_date]" unless { res.fhdr(date) -m found }',
];

/** HAProxy answers 503 for every upstream that it does not reach; a slot that refuses is 502 here. */
export const unreachableRule =
  "http-after-response set-status 502 if { status 503 } { var(txn.sent) -m found } !{ var(txn.answered) -m found }";
