/** A response as it came over the wire; header names and values are untouched. */
export interface WireResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** Informational responses that came before. */
  readonly informational: readonly WireResponse[];
}

/** The values of a header, in their order. */
export function valuesOf(message: Pick<WireResponse, "headers">, name: string): string[] {
  return message.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

type Pairs = readonly (readonly [string, string])[];

/** Field lines as pairs; throws when one is not `name: value`. */
export function readFields(lines: readonly string[]): Pairs {
  return lines.map((line) => {
    const parts = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (parts === null) throw new Error(`not a field line: ${JSON.stringify(line)}`);
    return [parts[1] ?? "", parts[2] ?? ""] as const;
  });
}

export interface ReadMessage<T> {
  readonly message: T;
  readonly rest: Buffer;
}

/** A chunked body at the beginning of `data`; undefined while it is incomplete. Throws when it is malformed. */
export function readChunked(data: Buffer): { body: Buffer; trailerLines: readonly string[]; rest: Buffer } | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = data.indexOf("\r\n", at);
    if (end === -1) return undefined;
    const digits = data.toString("latin1", at, end);
    if (!/^[0-9a-fA-F]+(?:;.*)?$/.test(digits)) throw new Error(`not a chunk size: ${JSON.stringify(digits)}`);
    const size = Number.parseInt(digits, 16);
    at = end + 2;
    if (size === 0) {
      const lines: string[] = [];
      for (;;) {
        const stop = data.indexOf("\r\n", at);
        if (stop === -1) return undefined;
        const line = data.toString("latin1", at, stop);
        at = stop + 2;
        if (line === "") return { body: Buffer.concat(chunks), trailerLines: lines, rest: data.subarray(at) };
        lines.push(line);
      }
    }
    if (data.length < at + size + 2) return undefined;
    if (data.toString("latin1", at + size, at + size + 2) !== "\r\n") throw new Error("a chunk is longer than it said");
    chunks.push(data.subarray(at, at + size));
    at += size + 2;
  }
}

interface ReadingOptions {
  readonly method: string;
  /** No more bytes will come. */
  readonly ended: boolean;
}

/** One response with what came before it; undefined while it is incomplete. Throws when it is not HTTP/1.1. */
export function readResponse(data: Buffer, options: ReadingOptions): ReadMessage<WireResponse> | undefined {
  const informational: WireResponse[] = [];
  for (let rest = data; ; ) {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1) return undefined;
    const [first = "", ...lines] = rest.toString("latin1", 0, end).split("\r\n");
    const start = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first);
    if (start === null) throw new Error(`not a status line: ${JSON.stringify(first)}`);
    const head = { status: Number(start[1]), reason: start[2] ?? "", headers: readFields(lines), informational };
    const behind = rest.subarray(end + 4);
    if (head.status >= 200 || head.status === 101) {
      const read = readBody(head, behind, options);
      return read && { message: { ...head, body: read.body, trailers: read.trailers }, rest: read.rest };
    }
    informational.push({ ...head, body: Buffer.alloc(0), trailers: [], informational: [] });
    rest = behind;
  }
}

function readBody(
  head: Pick<WireResponse, "status" | "headers">,
  data: Buffer,
  { method, ended }: ReadingOptions,
): { body: Buffer; trailers: Pairs; rest: Buffer } | undefined {
  const none = { body: Buffer.alloc(0), trailers: [], rest: data };
  if (method === "HEAD" || [101, 204, 304].includes(head.status)) return none;
  if (valuesOf(head, "transfer-encoding").join() === "chunked") {
    const read = readChunked(data);
    return read && { ...read, trailers: readFields(read.trailerLines) };
  }
  const length = valuesOf(head, "content-length")[0];
  if (length === undefined) return ended ? { ...none, body: data, rest: Buffer.alloc(0) } : undefined;
  const bytes = Number(length);
  return data.length < bytes ? undefined : { ...none, body: data.subarray(0, bytes), rest: data.subarray(bytes) };
}
