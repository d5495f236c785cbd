import { headerFate, traceHeader } from "./header-fate.ts";
import { formatHostName, type HostName } from "./host-name.ts";

/** Everything the headers of a forwarded request depend on. */
export interface ForwardedHeadersInput {
  /** Numeric, without port or brackets: `192.0.2.7`, `2001:db8::1`. */
  readonly clientAddress: string;
  readonly proto: "http" | "https";
  /** As the client asked for it, normalised. */
  readonly publicHost: HostName;
  readonly bindingPort: number;
  readonly forward: { readonly host: "preserve" | "internal"; readonly internalName: string };
  readonly traceId: string;
  /** Name, value, name, value … as received. */
  readonly rawHeaders: readonly string[];
}

/**
 * The headers a slot gets, as name, value, name, value. What a client could have forged is gone before ours is added,
 * and a client can't make an app drop ours by naming them in Connection. Framing and connection headers
 * (`Connection`, `Transfer-Encoding`, `TE`, `Upgrade`, `Expect`) are left to whoever sends the request.
 * The agent's probes of a slot use this same function, so that they ask exactly what the proxy would.
 */
export function forwardedHeaders(input: ForwardedHeadersInput): string[] {
  const publicHost = formatHostName(input.publicHost);
  const headers = ["Host", input.forward.host === "internal" ? input.forward.internalName : publicHost];
  keepEndToEnd(input.rawHeaders, headers);
  headers.push(
    "Forwarded",
    `for=${forwardedNode(input.clientAddress)};host=${forwardedValue(publicHost)};proto=${input.proto}`,
    "X-Forwarded-For",
    input.clientAddress,
    "X-Forwarded-Proto",
    input.proto,
    "X-Forwarded-Host",
    publicHost,
    "X-Forwarded-Port",
    String(input.publicHost.port ?? input.bindingPort),
    "X-Public-Host",
    publicHost,
    traceHeader,
    input.traceId,
  );
  return headers;
}

/** Appends to `into` what may travel on: no hop-by-hop or nominated header, nothing only a proxy may say. */
export function keepEndToEnd(rawHeaders: readonly string[], into: string[]): void {
  const nominated = nominatedHeaders(rawHeaders);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (headerFate(name) !== "keep" || nominated?.has(name.toLowerCase())) continue;
    into.push(name, rawHeaders[index + 1] ?? "");
  }
}

/** Names listed in Connection, except the framing of the message itself, which a client can't nominate away. */
export function nominatedHeaders(rawHeaders: readonly string[]): ReadonlySet<string> | undefined {
  let nominated: Set<string> | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (headerFate(rawHeaders[index] ?? "") !== "connection") continue;
    const value = (rawHeaders[index + 1] ?? "").toLowerCase();
    if (value === "keep-alive" || value === "close") continue;
    nominated ??= new Set();
    for (const option of value.split(",")) nominated.add(option.trim());
  }
  nominated?.delete("content-length");
  return nominated;
}

/** RFC 7239 §6: an IPv6 address goes in brackets, and brackets need quotes. */
function forwardedNode(address: string): string {
  if (address.includes(":")) return `"[${address}]"`;
  return address === "" ? "unknown" : address;
}

/** RFC 7239 §4: a token as it is, anything else (a host with a port) quoted. */
function forwardedValue(text: string): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) ? text : `"${text}"`;
}
