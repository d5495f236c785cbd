/** The head of a final or informational response; headers of the connection itself are already taken out. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value … of end-to-end headers; with `Connection` and `Upgrade` on a 101. */
  readonly headers: string[];
  readonly hasDate: boolean;
}

/** A head and what it says about the rest of the message and the connection. */
export interface ParsedHead {
  readonly head: ResponseHead;
  readonly length?: number;
  readonly chunked: boolean;
  readonly keepAlive: boolean;
  /** How long the upstream keeps an idle connection, when it said so. */
  readonly keepAliveHintMs?: number;
}

/** An upstream that does not speak HTTP/1.1; what it sent is not forwarded. */
export class ResponseMalformed extends Error {}

/** RFC 9110 §6.5.1: what frames or routes a message is not believed when it comes behind it. */
export const forbiddenTrailers: ReadonlySet<string> = new Set([
  "transfer-encoding",
  "content-length",
  "host",
  "connection",
  "trailer",
  "te",
  "upgrade",
  "set-cookie",
  "authorization",
]);

const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const isToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const hasControl = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Reads a head without its last empty line. Throws {@link ResponseMalformed}. */
export function parseResponseHead(text: string): ParsedHead {
  const lines = text.split("\r\n");
  const status = statusLine.exec(lines[0] ?? "");
  if (status === null) throw new ResponseMalformed("the status line is not one of HTTP/1.1");
  const code = Number(status[2]);
  const seen: Seen = {
    status: code,
    length: undefined,
    chunked: false,
    connection: "",
    hintMs: undefined,
    hasDate: false,
    headers: [],
  };
  for (let index = 1; index < lines.length; index++) readField(lines[index] ?? "", seen);
  if (seen.chunked && seen.length !== undefined)
    throw new ResponseMalformed("the length of the response is given twice");
  const keepAlive = status[1] === "0" ? seen.connection.includes("keep-alive") : !seen.connection.includes("close");
  return {
    head: { status: code, reason: status[3] ?? "", headers: withoutNominated(seen), hasDate: seen.hasDate },
    chunked: seen.chunked,
    keepAlive,
    ...(seen.length !== undefined && { length: seen.length }),
    ...(seen.hintMs !== undefined && { keepAliveHintMs: seen.hintMs }),
  };
}

/** Reads field lines as name, value, name, value. Throws {@link ResponseMalformed}. */
export function parseFields(lines: readonly string[]): string[] {
  const fields: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !isToken.test(name) || hasControl.test(value))
      throw new ResponseMalformed("a field of the response is malformed");
    fields.push(name, value);
  }
  return fields;
}

interface Seen {
  readonly status: number;
  readonly headers: string[];
  length: number | undefined;
  chunked: boolean;
  connection: string;
  hintMs: number | undefined;
  hasDate: boolean;
}

function readField(line: string, seen: Seen): void {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1).trim();
  if (colon < 1 || !isToken.test(name) || hasControl.test(value))
    throw new ResponseMalformed("a header of the response is malformed");
  if (keeps(name.toLowerCase(), value, seen)) seen.headers.push(name, value);
}

/** Notes what a header says about the message; false when it ends at this connection. */
function keeps(name: string, value: string, seen: Seen): boolean {
  switch (name) {
    case "content-length": {
      const first = seen.length === undefined;
      noteLength(value, seen);
      return first && seen.status !== 204 && seen.status >= 200;
    }
    case "transfer-encoding":
      if (value.toLowerCase() !== "chunked") throw new ResponseMalformed("a transfer encoding other than chunked");
      seen.chunked = true;
      return false;
    case "connection":
      seen.connection += `,${value.toLowerCase()}`;
      return seen.status === 101;
    case "date":
      seen.hasDate = true;
      return true;
    case "keep-alive":
      noteHint(value, seen);
      return false;
    case "upgrade":
      return seen.status === 101;
    case "proxy-connection":
      return false;
    default:
      return true;
  }
}

function noteLength(value: string, seen: Seen): void {
  if (!/^\d{1,15}$/.test(value) || (seen.length !== undefined && seen.length !== Number(value))) {
    throw new ResponseMalformed("Content-Length of the response is not one number");
  }
  seen.length = Number(value);
}

function noteHint(value: string, seen: Seen): void {
  const hint = /timeout=(\d+)/i.exec(value);
  if (hint !== null) seen.hintMs = Number(hint[1]) * 1000;
}

/** RFC 9110 §7.6.1: what Connection names ends with this connection. */
function withoutNominated({ headers, connection, status }: Seen): string[] {
  if (connection === "" || status === 101) return headers;
  const options = connection.split(",").map((option) => option.trim());
  if (options.every((option) => option === "" || option === "close" || option === "keep-alive")) return headers;
  const nominated = new Set(options.filter((option) => option !== "content-length"));
  return headers.filter((_, index) => !nominated.has((headers[index - (index % 2)] ?? "").toLowerCase()));
}
