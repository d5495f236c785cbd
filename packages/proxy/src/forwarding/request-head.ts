import { nominatedHeaders } from "@sluice/core/proxying/forwarded-headers";
import type { ProxyRequest } from "./messages.ts";
import { headerLines } from "./raw-headers.ts";

/** How the body of a request is framed on its way to the upstream. */
export type RequestBody = "none" | "length" | "chunked";

const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** RFC 9110 §9.2.2: it may be sent again by itself although it may have been carried out already. */
export function isIdempotent(req: ProxyRequest): boolean {
  return idempotent.has(req.method ?? "");
}

/** The framing the client chose; `judgeRequest` has made sure that there is only one. */
export function requestBody(req: ProxyRequest): RequestBody {
  if (req.headers["transfer-encoding"] !== undefined) return "chunked";
  const length = req.headers["content-length"];
  return length === undefined || length === "0" ? "none" : "length";
}

/** The bytes of a request head, in Latin-1. */
export function requestHead(input: {
  readonly req: ProxyRequest;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: RequestBody;
  readonly upgrade: boolean;
}): string {
  const { req, headers } = input;
  let head = `${req.method} ${input.target} HTTP/1.1\r\n${headerLines(headers)}`;
  if (input.body === "chunked") head += "Transfer-Encoding: chunked\r\n";
  if (expectsContinue(req)) head += "Expect: 100-continue\r\n";
  if (input.upgrade) return `${head}Connection: Upgrade\r\nUpgrade: ${req.headers.upgrade}\r\n\r\n`;
  return acceptsTrailers(req)
    ? `${head}Connection: TE\r\nTE: trailers\r\n\r\n`
    : `${head}Connection: keep-alive\r\n\r\n`;
}

/** The client waits for the word of the server before it sends the body. */
export function expectsContinue(req: ProxyRequest): boolean {
  return (
    req.headers.expect !== undefined &&
    req.httpVersionMinor === 1 &&
    req.headers.expect.toLowerCase() === "100-continue"
  );
}

/** RFC 9110 §7.8: protocols, each a token with at most one version. */
const protocolList =
  /^[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?)*$/i;
/** In these a client could go on to send requests that nobody here reads. */
const carriesRequests = /(?:^|,)[ \t]*(?:h2c?|http|tls)[ \t]*(?:$|[,/])/i;

/** An upgrade we carry: announced in Connection, without a body, and to nothing that would tunnel requests past every rule here. */
export function wantsUpgrade(req: ProxyRequest): boolean {
  const protocol = req.headers.upgrade;
  if (protocol === undefined || !protocolList.test(protocol) || carriesRequests.test(protocol)) return false;
  if (req.httpVersionMinor !== 1 || requestBody(req) !== "none") return false;
  return nominatedHeaders(req.rawHeaders)?.has("upgrade") ?? false;
}

function acceptsTrailers(req: ProxyRequest): boolean {
  const te = req.headers.te;
  return typeof te === "string" && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(te);
}
