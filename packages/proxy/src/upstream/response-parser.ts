/** The head of a final or informational response; headers of the connection itself are already taken out. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value … of end-to-end headers; with `Connection` and `Upgrade` on a 101. */
  readonly headers: string[];
  readonly hasDate: boolean;
}

/** Who takes the parts of a response as they arrive, in order: informational*, head, body*, end. */
export interface ResponseSink {
  onInformational(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  /** `last` is true when this chunk completes a body of known length; `onEnd` follows all the same. */
  onBody(chunk: Buffer, last: boolean): void;
  onEnd(trailers: readonly string[]): void;
  /** The connection speaks another protocol from now on; `rest` are bytes that came behind the head. */
  onUpgrade(head: ResponseHead, rest: Buffer): void;
}

/** An upstream that does not speak HTTP/1.1; what it sent is not forwarded. */
export class ResponseMalformed extends Error {}

/** Far above any real head; an upstream that sends more is broken. */
const headBytesMax = 256 * 1024;
/** A chunk size line with its extensions. */
const sizeLineBytesMax = 4096;
const none = Buffer.alloc(0);
const hopByHop = new Set(["keep-alive", "proxy-connection", "upgrade", "proxy-authenticate", "x-sluice-probe"]);

type Reading = "head" | "length" | "to-the-end" | "chunk-size" | "chunk" | "chunk-tail" | "trailers" | "complete";

/**
 * Reads the responses of one upstream connection (RFC 9112), one request at a time. Written for this one consumer
 * because it needs what ready-made clients hide: informational responses, trailers, upgrades on the same connection,
 * and a look at every byte before it decides about reuse.
 */
export class ResponseParser {
  #reading: Reading = "complete";
  #sink: ResponseSink | undefined;
  #bodiless = false;
  #left = 0;
  #pending: Buffer = none;
  #keepAlive = true;
  #keepAliveHintMs = Number.POSITIVE_INFINITY;
  #anyByte = false;

  /** Begins a response. `bodiless` is true for HEAD. */
  expect(sink: ResponseSink, bodiless: boolean): void {
    this.#sink = sink;
    this.#bodiless = bodiless;
    this.#reading = "head";
    this.#keepAlive = true;
    this.#anyByte = false;
  }

  /** The response has been read to its end. */
  get complete(): boolean {
    return this.#reading === "complete";
  }

  /** The upstream lets the connection be used again. */
  get keepAlive(): boolean {
    return this.#keepAlive && this.#pending.length === 0;
  }

  /** How long the upstream said it keeps an idle connection. */
  get keepAliveHintMs(): number {
    return this.#keepAliveHintMs;
  }

  /** Some byte of the current response has come. */
  get anyByte(): boolean {
    return this.#anyByte;
  }

  /** Throws {@link ResponseMalformed}. */
  execute(data: Buffer): void {
    this.#anyByte = true;
    let rest = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    this.#pending = none;
    while (rest.length > 0) {
      const next = this.#step(rest);
      if (next === undefined) {
        this.#pending = rest;
        return;
      }
      rest = next;
    }
  }

  /** The upstream has closed its side: true when that completes the response. */
  finish(): boolean {
    if (this.#reading !== "to-the-end") return this.#reading === "complete";
    this.#end([]);
    return true;
  }

  /** Consumes what it can and returns what is left; undefined when more bytes are needed. */
  #step(data: Buffer): Buffer | undefined {
    switch (this.#reading) {
      case "head":
        return this.#readHead(data);
      case "length":
        return this.#readLength(data);
      case "to-the-end":
        this.#sink?.onBody(data, false);
        return none;
      case "chunk-size":
        return this.#readChunkSize(data);
      case "chunk":
        return this.#readChunk(data);
      case "chunk-tail":
        return this.#readChunkTail(data);
      case "trailers":
        return this.#readTrailers(data);
      case "complete":
        throw new ResponseMalformed("the upstream sent bytes behind its response");
    }
  }

  #readHead(data: Buffer): Buffer | undefined {
    const end = data.indexOf("\r\n\r\n");
    if (end === -1) {
      if (data.length > headBytesMax) throw new ResponseMalformed("the head of the response is too large");
      return undefined;
    }
    const rest = data.subarray(end + 4);
    const head = this.#parseHead(data.toString("latin1", 0, end));
    if (head.status === 101) {
      this.#reading = "complete";
      this.#keepAlive = false;
      this.#sink?.onUpgrade(head, rest);
      return none;
    }
    if (head.status < 200) this.#sink?.onInformational(head);
    else this.#begin(head);
    return rest;
  }

  #begin(head: ResponseHead): void {
    const { status } = head;
    if (this.#bodiless || status === 204 || status === 304) this.#reading = "complete";
    else if (this.#reading === "head") {
      this.#reading = "to-the-end";
      this.#keepAlive = false;
    } else if (this.#reading === "length" && this.#left === 0) this.#reading = "complete";
    const endsHere = this.#reading === "complete";
    this.#sink?.onHead(head);
    if (endsHere) this.#end([]);
  }

  #parseHead(text: string): ResponseHead {
    const lines = text.split("\r\n");
    const status = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(lines[0] ?? "");
    if (status === null) throw new ResponseMalformed("the status line is not one of HTTP/1.1");
    const code = Number(status[2]);
    const headers: string[] = [];
    const seen: Framing = { length: -1, chunked: false, connection: "", hasDate: false };
    for (let index = 1; index < lines.length; index++) this.#readHeader(lines[index] ?? "", code, headers, seen);
    this.#decideFraming(seen, status[1] === "0", code);
    return {
      status: code,
      reason: status[3] ?? "",
      headers: withoutNominated(headers, seen.connection, code),
      hasDate: seen.hasDate,
    };
  }

  #readHeader(line: string, status: number, headers: string[], seen: Framing): void {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !isToken.test(name) || hasControl.test(value))
      throw new ResponseMalformed("a header of the response is malformed");
    switch (name.toLowerCase()) {
      case "content-length":
        readLength(value, seen);
        if (status === 204 || seen.chunked) return;
        break;
      case "transfer-encoding":
        if (value.toLowerCase() !== "chunked") throw new ResponseMalformed("a transfer encoding other than chunked");
        seen.chunked = true;
        return;
      case "connection":
        seen.connection += `,${value.toLowerCase()}`;
        if (status !== 101) return;
        break;
      case "date":
        seen.hasDate = true;
        break;
      case "keep-alive": {
        const hint = /timeout=(\d+)/i.exec(value);
        if (hint !== null) this.#keepAliveHintMs = Number(hint[1]) * 1000;
        return;
      }
      default:
        if (status !== 101 && hopByHop.has(name.toLowerCase())) return;
    }
    headers.push(name, value);
  }

  #decideFraming(seen: Framing, old: boolean, status: number): void {
    if (old ? !seen.connection.includes("keep-alive") : seen.connection.includes("close")) this.#keepAlive = false;
    if (status < 200) return;
    if (seen.chunked) {
      this.#reading = "chunk-size";
      if (seen.length !== -1) throw new ResponseMalformed("the length of the response is given twice");
    } else if (seen.length !== -1) {
      this.#reading = "length";
      this.#left = seen.length;
    }
  }

  #readLength(data: Buffer): Buffer {
    if (data.length < this.#left) {
      this.#left -= data.length;
      this.#sink?.onBody(data, false);
      return none;
    }
    const rest = data.subarray(this.#left);
    const chunk = rest.length === 0 ? data : data.subarray(0, this.#left);
    this.#reading = "complete";
    this.#pending = rest;
    this.#sink?.onBody(chunk, true);
    this.#end([]);
    return none;
  }

  #readChunkSize(data: Buffer): Buffer | undefined {
    const end = data.indexOf("\r\n");
    if (end === -1) {
      if (data.length > sizeLineBytesMax) throw new ResponseMalformed("a chunk size line is too long");
      return undefined;
    }
    const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(data.toString("latin1", 0, end));
    if (size === null) throw new ResponseMalformed("a chunk size is not a number");
    this.#left = Number.parseInt(size[1] ?? "", 16);
    this.#reading = this.#left === 0 ? "trailers" : "chunk";
    return data.subarray(end + 2);
  }

  #readChunk(data: Buffer): Buffer {
    const chunk = data.length <= this.#left ? data : data.subarray(0, this.#left);
    this.#left -= chunk.length;
    if (this.#left === 0) this.#reading = "chunk-tail";
    this.#sink?.onBody(chunk, false);
    return data.subarray(chunk.length);
  }

  #readChunkTail(data: Buffer): Buffer | undefined {
    if (data.length < 2) return undefined;
    if (data[0] !== 13 || data[1] !== 10) throw new ResponseMalformed("a chunk is longer than it said");
    this.#reading = "chunk-size";
    return data.subarray(2);
  }

  #readTrailers(data: Buffer): Buffer | undefined {
    if (data[0] === 13 && data.length > 1) {
      if (data[1] !== 10) throw new ResponseMalformed("the trailers are malformed");
      return this.#complete([], data.subarray(2));
    }
    const end = data.indexOf("\r\n\r\n");
    if (end === -1) {
      if (data.length > headBytesMax) throw new ResponseMalformed("the trailers are too large");
      return undefined;
    }
    const trailers: string[] = [];
    for (const line of data.toString("latin1", 0, end).split("\r\n")) {
      const colon = line.indexOf(":");
      const value = line.slice(colon + 1).trim();
      if (colon < 1 || !isToken.test(line.slice(0, colon)) || hasControl.test(value))
        throw new ResponseMalformed("a trailer is malformed");
      if (!forbiddenTrailers.has(line.slice(0, colon).toLowerCase())) trailers.push(line.slice(0, colon), value);
    }
    return this.#complete(trailers, data.subarray(end + 4));
  }

  #complete(trailers: readonly string[], rest: Buffer): Buffer {
    this.#reading = "complete";
    this.#pending = rest;
    this.#end(trailers);
    return none;
  }

  #end(trailers: readonly string[]): void {
    const sink = this.#sink;
    this.#reading = "complete";
    this.#sink = undefined;
    sink?.onEnd(trailers);
  }
}

interface Framing {
  length: number;
  chunked: boolean;
  connection: string;
  hasDate: boolean;
}

const isToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
const hasControl = /[\x00-\x08\x0a-\x1f\x7f]/;

/** RFC 9110 §6.5.1: what frames or routes a message is not believed when it comes behind it. */
export const forbiddenTrailers = new Set([
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

function readLength(value: string, seen: Framing): void {
  if (!/^\d{1,15}$/.test(value) || (seen.length !== -1 && seen.length !== Number(value))) {
    throw new ResponseMalformed("Content-Length of the response is not one number");
  }
  seen.length = Number(value);
}

function withoutNominated(headers: string[], connection: string, status: number): string[] {
  if (connection === "" || status === 101) return headers;
  const options = connection.split(",").map((option) => option.trim());
  if (options.every((option) => option === "" || option === "close" || option === "keep-alive")) return headers;
  const nominated = new Set(options.filter((option) => option !== "content-length"));
  return headers.filter((_, index) => !nominated.has((headers[index - (index % 2)] ?? "").toLowerCase()));
}
