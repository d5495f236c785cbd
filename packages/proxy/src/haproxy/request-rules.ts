import { probeStep } from "./count-keys.ts";
import { countRefused } from "./counting-rules.ts";
import { quote } from "./quote.ts";

/** `so_id` of listeners that begin with a PROXY header; below are binding ports. */
export const announcedId = 100_000;

const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const port = "(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})";
/** What `parseHostName` of core takes, as one expression. */
export const hostPattern = `^(?:(?=[^:]{1,254}(?::|$))${label}(?:\\.${label})*\\.?|\\[[0-9a-f:.]{2,45}\\]\\.?)(?::${port})?$`;

/** Header names of clients that end here: `headerFate` of core, aliases with underscores included. */
export const endingNames =
  "keep[-_]alive|proxy[-_]connection|proxy[-_]authenticate|proxy[-_]authorization|http2[-_]settings|forwarded|x[-_]public[-_]host|x[-_]real[-_]ip|proxy|x[-_]sluice[-_](?:probe|trace|served[-_]by)|transfer_encoding|content_length|content_type";
/** The same for names of which the beginning is enough. */
export const endingFamilies = "x[-_](?:forwarded|original)[-_]";
export const endingHeaders = `^(?:${endingNames}|${endingFamilies}.*)$`;

/** In the text of a head. */
export const controlCharacters = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]|\\r(?!\\n)";

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
    when: `if { req.hdrs -m reg ${quote(controlCharacters)} }`,
  },
  {
    sentence: "Transfer-Encoding in HTTP/1.0",
    when: "if { req.fhdr(transfer-encoding) -m found } { req.ver 1.0 }",
  },
  {
    sentence: "the length of the body is given more than once",
    when: "if { req.fhdr_cnt(transfer-encoding) gt 1 }",
  },
  { sentence: "only HTTP/1.0 and HTTP/1.1 are spoken here", when: "unless { req.ver 1.0 1.1 }" },
];

/** Refuses with 400 what two programs could read in two ways, and heads that are too long; the connection ends with it. */
export function hygieneRules(headerBytesMax: number): readonly string[] {
  const tooLong = `{ req.hdrs,length gt ${headerBytesMax} } or { url,length gt ${headerBytesMax} }`;
  return [
    countRefused("malformed", `if ${tooLong}`),
    `http-request return status 431 hdr Connection close if ${tooLong}`,
    ...hygiene.map(({ sentence, when }) => `http-request set-var-fmt(txn.bad) ${quote(sentence)} ${when}`),
    countRefused("malformed", "if { var(txn.bad) -m found }"),
    'http-request return status 400 content-type "text/plain; charset=utf-8" hdr Connection close lf-string "%[var(txn.bad)]\\n" if { var(txn.bad) -m found }',
    "http-request return status 417 if { req.fhdr(expect) -m found } !{ req.fhdr(expect) -i -m str 100-continue }",
  ];
}

/** Which binding a request is for; 421 when none. Sets `txn.base`, `txn.host` (with the client's port) and `txn.name`. */
export function bindingRules(hostsMap: string): readonly string[] {
  const lookup = `map_str_int(${hostsMap})`;
  return [
    `http-request set-var(txn.host) "req.fhdr(host),lower,regsub('\\.(:|\\$)','\\1')"`,
    `http-request set-var(txn.name) "var(txn.host),regsub(':[0-9]+\\$','')"`,
    "http-request unset-var(txn.base)",
    `http-request set-var(txn.base) var(txn.name),concat(/,sess.port),${lookup}`,
    `http-request set-var(txn.base) "var(txn.name),regsub('^[^.]*','*'),concat(/,sess.port),${lookup}" unless { var(txn.base) -m found }`,
    countRefused("unknown", "unless { var(txn.base) -m found }"),
    'http-request return status 421 content-type "text/plain; charset=utf-8" string "no site is bound to this host name here\\n" unless { var(txn.base) -m found }',
  ];
}

/** Marks probes, by their token; an empty token marks nothing. */
export function probeRule(token: string, when = ""): readonly string[] {
  if (token === "") return [];
  return [`http-request set-var(txn.probe) bool(true) if { req.fhdr(x-sluice-probe) -m str ${quote(token)} }${when}`];
}

/** Probes are counted apart. */
export const probeCountRule = `http-request set-var(txn.base) var(txn.base),add(${probeStep}) if { var(txn.probe) -m found }`;

const token = "[!#$%&'*+.^_`|~0-9a-z-]+";
/** RFC 9110 §7.8: protocols, each a token with at most one version; none in which a client could go on to send requests. */
const upgradePattern = `^(?!(?:.*,)?[ \\t]*(?:h2c?|http|tls)[ \\t]*(?:$|[,/]))${token}(?:/${token})?(?:[ \\t]*,[ \\t]*${token}(?:/${token})?)*$`;

/** A value of Connection that names headers. */
const nominating = "^(?!(?:close|keep-alive|upgrade)$)";

/** Ends what ends at this connection. An upgrade travels on when it is one that may: announced, without a body, not to HTTP/2. */
export const hopRules: readonly string[] = [
  "acl asks-upgrade req.hdr(connection) -i -m str upgrade",
  `acl upgradable req.fhdr(upgrade) -m reg -i ${quote(upgradePattern)}`,
  "acl has-body req.fhdr(transfer-encoding) -m found",
  "acl has-body req.hdr_val(content-length) gt 0",
  "http-request set-var(txn.upgrade) bool(true) if asks-upgrade upgradable !has-body { req.ver 1.1 } { req.fhdr_cnt(upgrade) eq 1 }",
  "http-request set-var(txn.trailers) bool(true) if { req.hdr(te) -i -m str trailers }",
  `http-request lua.nominated if { req.fhdr(connection) -m reg -i ${quote(nominating)} }`,
  "http-request del-header connection",
  "http-request del-header upgrade unless { var(txn.upgrade) -m found }",
  "http-request set-header Connection Upgrade if { var(txn.upgrade) -m found }",
  "http-request del-header te",
  "http-request set-header TE trailers if { var(txn.trailers) -m found } !{ var(txn.upgrade) -m found }",
  `http-request del-header ${quote(endingHeaders)} -m reg`,
  "http-request set-uri /%[pathq] if { url -m beg -i http:// https:// } !{ pathq -m beg / }",
  "http-request set-uri %[pathq] if { url -m beg -i http:// https:// }",
];

/** What a slot says that is no response of HTTP/1.x, though HAProxy reads it, is not passed on: the slot gave no answer, 502. */
export const slotResponseRules: readonly string[] = [
  "http-response deny deny_status 502 unless { status 100:599 }",
  "http-response deny deny_status 502 unless { res.ver 1.0 1.1 }",
  `http-response deny deny_status 502 if { res.hdrs -m reg ${quote(controlCharacters)} }`,
];

/** An answer has a date (RFC 9110 §6.6.1), and only a proxy says who served. */
export const responseRules: readonly string[] = [
  `http-response lua.nominated_response if { res.fhdr(connection) -m reg -i ${quote(nominating)} }`,
  "http-response del-header connection unless { status 101 }",
  "http-response del-header upgrade unless { status 101 }",
  "http-response del-header keep-alive",
  "http-response del-header proxy-connection",
  'http-response set-header Date "%[date,http_date]" unless { res.fhdr(date) -m found }',
];
