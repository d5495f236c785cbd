import type { ReceivedHead, RequestBody } from "../forwarding/received-head.ts";

const requestLine = /^([A-Z][A-Z-]*) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const forbiddenSoFar = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?=[^\n])|(?<!\r)\n/;

/** Fields that say something about the message or its connection. */
type KnownField =
  | "content-length"
  | "transfer-encoding"
  | "connection"
  | "expect"
  | "upgrade"
  | "te"
  | "x-sluice-probe";

const knownFields: ReadonlySet<string> = new Set<KnownField>([
  "content-length",
  "transfer-encoding",
  "connection",
  "expect",
  "upgrade",
  "te",
  "x-sluice-probe",
]);

/**
 * Reads a head without its last empty line, strictly (RFC 9112 §2.2, §3, §5): CRLF alone ends a line, no folding, no
 * control characters. Undefined when it is none.
 */
export function parseRequestHead(text: string): ReceivedHead | undefined {
  if (forbidden.test(text)) return undefined;
  const lineEnd = text.indexOf("\r\n");
  const line = requestLine.exec(lineEnd === -1 ? text : text.slice(0, lineEnd));
  const fields = lineEnd === -1 ? new Fields() : readFields(text, lineEnd + 2);
  if (line === null || fields === undefined) return undefined;
  const minorVersion = line[3] === "1" ? 1 : 0;
  return {
    method: line[1] ?? "",
    target: line[2] ?? "",
    minorVersion,
    rawHeaders: fields.raw,
    body: fields.body,
    contentLength: fields.contentLength,
    keepAlive: keepsAlive(minorVersion, fields.connection),
    expect: fields.expect,
    upgrade: fields.upgrade,
    te: fields.te,
    probeToken: fields.probeToken,
  };
}

/** Reads trailer lines as name, value, name, value; undefined when they are none. */
export function parseTrailers(text: string): readonly string[] | undefined {
  return forbidden.test(text) ? undefined : readFields(text, 0)?.raw;
}

/** Whether bytes may still become a head or a part of one. A CR that was the last of the part before belongs to this one. */
export function mayBecomeHead(text: string): boolean {
  return !forbiddenSoFar.test(text);
}

/** RFC 9112 §9.3. */
function keepsAlive(minorVersion: 0 | 1, connection: string): boolean {
  if (connection === "") return minorVersion === 1;
  const options = connection.toLowerCase().split(",");
  const has = (wanted: string): boolean => options.some((option) => option.trim() === wanted);
  return !has("close") && (minorVersion === 1 || has("keep-alive"));
}

class Fields {
  readonly raw: string[] = [];
  body: RequestBody = "none";
  contentLength = 0;
  connection = "";
  expect: string | undefined;
  upgrade: string | undefined;
  te: string | undefined;
  probeToken: string | undefined;

  /** Notes what a field says; false when the length of the body can't be read. */
  note(field: KnownField, value: string): boolean {
    switch (field) {
      case "content-length":
        if (!/^\d{1,15}$/.test(value)) return false;
        this.contentLength = Number(value);
        if (this.body === "none" && this.contentLength > 0) this.body = "length";
        return true;
      case "transfer-encoding":
        this.body = "chunked";
        return true;
      case "connection":
        this.connection = joined(this.connection === "" ? undefined : this.connection, value);
        return true;
      case "expect":
        this.expect = joined(this.expect, value);
        return true;
      case "upgrade":
        this.upgrade = joined(this.upgrade, value);
        return true;
      case "te":
        this.te = joined(this.te, value);
        return true;
      case "x-sluice-probe":
        this.probeToken = joined(this.probeToken, value);
        return true;
    }
  }
}

const joined = (before: string | undefined, value: string): string =>
  before === undefined ? value : `${before}, ${value}`;

function readFields(text: string, from: number): Fields | undefined {
  const fields = new Fields();
  for (let at = from; at < text.length; ) {
    const next = text.indexOf("\r\n", at);
    const end = next === -1 ? text.length : next;
    const colon = text.indexOf(":", at);
    if (colon === -1 || colon >= end) return undefined;
    const field = fieldOf(text.slice(at, colon));
    if (field === undefined) return undefined;
    const value = trimmed(text, colon + 1, end);
    fields.raw.push(field.name, value);
    if (field.known !== undefined && !fields.note(field.known, value)) return undefined;
    at = end + 2;
  }
  return fields;
}

/** RFC 9110 §5.5: SP and HTAB around a value are not part of it, and nothing else is. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const isBlank = (code: number): boolean => code === 32 || code === 9;

interface FieldName {
  /** As it was written. */
  readonly name: string;
  readonly known: KnownField | undefined;
}

/** Bounded, so that a client inventing names can't make it grow. */
const rememberedMax = 2048;
const remembered = new Map<string, FieldName>();

function fieldOf(written: string): FieldName | undefined {
  const before = remembered.get(written);
  if (before !== undefined) return before;
  if (!token.test(written)) return undefined;
  const lower = written.toLowerCase();
  const field = { name: copied(written), known: isKnownField(lower) ? lower : undefined };
  if (remembered.size < rememberedMax) remembered.set(field.name, field);
  return field;
}

/** A part of a string keeps the whole of it in memory; what is remembered must not. */
const copied = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

function isKnownField(lower: string): lower is KnownField {
  return knownFields.has(lower);
}
