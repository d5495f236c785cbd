import { type HostName, parseHostName } from "./host-name.ts";

/** The head of a request as the parser gave it. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly httpVersion: string;
  /** Name, value, name, value … */
  readonly rawHeaders: readonly string[];
}

export type RequestJudgement =
  /** `target` is in origin form (or `*`), whatever form it was written in. */
  | { readonly kind: "ok"; readonly host: HostName; readonly target: string }
  /** To be answered 400; the reason is one sentence without anything the client wrote. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Refuses what two programs could read in two ways (RFC 9112 §3.2, §6.1), on top of what a strict parser refuses.
 * A request that passes has one host, one framing and a target that begins with `/`.
 */
export function judgeRequest(head: RequestHead): RequestJudgement {
  if (head.httpVersion !== "1.1" && head.httpVersion !== "1.0")
    return refused("only HTTP/1.0 and HTTP/1.1 are spoken here");
  const framing = judgeHeaders(head);
  if (typeof framing === "string") return refused(framing);
  const host = parseHostName(framing.host);
  if (host === undefined) return refused("the Host header is not a plain host name with an optional port");
  const target = originForm(head, host);
  return target === undefined
    ? refused("the request target is not in a form that can be forwarded")
    : { kind: "ok", host, target };
}

const refused = (reason: string): RequestJudgement => ({ kind: "refused", reason });

/** The one Host, or why the headers are refused. */
function judgeHeaders(head: RequestHead): { readonly host: string } | string {
  let host: string | undefined;
  let lengths = 0;
  let encodings = 0;
  const raw = head.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    const value = raw[index + 1] ?? "";
    if (hasControl.test(value)) return "a header value holds a control character";
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== "host") break;
        if (host !== undefined) return "there is more than one Host header";
        host = value;
        break;
      case 14:
        if (name.toLowerCase() !== "content-length") break;
        if (!/^\d{1,16}$/.test(value)) return "Content-Length is not a number";
        lengths += 1;
        break;
      case 17:
        if (name.toLowerCase() !== "transfer-encoding") break;
        if (value.toLowerCase() !== "chunked") return "a Transfer-Encoding other than chunked";
        encodings += 1;
    }
  }
  if (host === undefined) return "there is no Host header";
  if (lengths + encodings > 1) return "the length of the body is given more than once";
  return encodings > 0 && head.httpVersion === "1.0" ? "Transfer-Encoding in HTTP/1.0" : { host };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const hasControl = /[\x00-\x08\x0a-\x1f\x7f]/;
const forwardableTarget = /^[\x21\x22\x24-\x7e\x80-\xff]+$/;

function originForm(head: RequestHead, host: HostName): string | undefined {
  const { target } = head;
  if (!forwardableTarget.test(target)) return undefined;
  if (target.startsWith("/")) return target;
  if (target === "*") return head.method === "OPTIONS" ? target : undefined;
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  const written = absolute === null ? undefined : parseHostName(absolute[1] ?? "");
  if (written?.name !== host.name || written.port !== host.port) return undefined;
  const rest = absolute?.[2] ?? "";
  return rest.startsWith("/") ? rest : `/${rest}`;
}
