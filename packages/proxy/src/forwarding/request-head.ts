import { nominatedHeaders } from "@sluice/core/proxying/forwarded-headers";
import { headerLines } from "./raw-headers.ts";
import type { ReceivedHead } from "./received-head.ts";

const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** RFC 9110 §9.2.2: it may be sent again by itself although it may have been carried out already. */
export function isIdempotent(head: ReceivedHead): boolean {
  return idempotent.has(head.method);
}

/** The bytes of a request head for an upstream, in Latin-1. */
export function requestHead(input: {
  readonly received: ReceivedHead;
  readonly target: string;
  readonly headers: readonly string[];
  readonly upgrade: boolean;
}): string {
  const { received, headers } = input;
  let head = `${received.method} ${input.target} HTTP/1.1\r\n${headerLines(headers)}`;
  if (received.body === "chunked") head += "Transfer-Encoding: chunked\r\n";
  if (expectsContinue(received)) head += "Expect: 100-continue\r\n";
  if (input.upgrade) return `${head}Connection: Upgrade\r\nUpgrade: ${received.upgrade}\r\n\r\n`;
  return acceptsTrailers(received)
    ? `${head}Connection: TE\r\nTE: trailers\r\n\r\n`
    : `${head}Connection: keep-alive\r\n\r\n`;
}

/** The client waits for the word of the server before it sends the body. */
export function expectsContinue({ expect, minorVersion }: ReceivedHead): boolean {
  return expect !== undefined && minorVersion === 1 && expect.toLowerCase() === "100-continue";
}

/** RFC 9110 §7.8: protocols, each a token with at most one version. */
const protocolList =
  /^[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?)*$/i;
/** In these a client could go on to send requests that nobody here reads. */
const carriesRequests = /(?:^|,)[ \t]*(?:h2c?|http|tls)[ \t]*(?:$|[,/])/i;

/** An upgrade we carry: announced in Connection, without a body, and to nothing that would tunnel requests past every rule here. */
export function wantsUpgrade(head: ReceivedHead, protocol: string): boolean {
  if (!protocolList.test(protocol) || carriesRequests.test(protocol)) return false;
  if (head.minorVersion !== 1 || head.body !== "none") return false;
  return nominatedHeaders(head.rawHeaders)?.has("upgrade") ?? false;
}

function acceptsTrailers({ te }: ReceivedHead): boolean {
  return te !== undefined && /(?:^|,)\s*trailers\s*(?:,|$)/i.test(te);
}
