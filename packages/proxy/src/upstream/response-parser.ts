import {
  forbiddenTrailers,
  type ParsedHead,
  parseFields,
  parseResponseHead,
  type ResponseHead,
  ResponseMalformed,
} from "./response-head.ts";

/** Who takes the parts of a response as they arrive, in order: informational*, head, body*, end. */
export interface ResponseSink {
  onInformational(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  onBody(chunk: Buffer): void;
  onEnd(trailers: readonly string[]): void;
  /** The connection speaks another protocol from now on; `rest` are bytes that came behind the head. */
  onUpgrade(head: ResponseHead, rest: Buffer): void;
}

/** Far above any real head; an upstream that sends more is broken. */
const headBytesMax = 256 * 1024;
/** A chunk size line with its extensions. */
const sizeLineBytesMax = 4096;
const none = Buffer.alloc(0);

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
        // What is read next may lie in the same memory.
        this.#pending = Buffer.from(rest);
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
        this.#sink?.onBody(data);
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
    const parsed = parseResponseHead(data.toString("latin1", 0, end));
    const { head } = parsed;
    this.#decideFraming(parsed);
    if (head.status === 101) {
      this.#reading = "complete";
      this.#keepAlive = false;
      this.#sink?.onUpgrade(head, rest);
      return none;
    }
    if (head.status < 200) {
      this.#sink?.onInformational(head);
      return rest;
    }
    if (!this.#begin(head)) return rest;
    this.#pending = rest;
    this.#end([]);
    return none;
  }

  /** True when the head is the whole response. */
  #begin(head: ResponseHead): boolean {
    const { status } = head;
    if (this.#bodiless || status === 204 || status === 304) this.#reading = "complete";
    else if (this.#reading === "head") {
      this.#reading = "to-the-end";
      this.#keepAlive = false;
    } else if (this.#reading === "length" && this.#left === 0) this.#reading = "complete";
    this.#sink?.onHead(head);
    return this.#reading === "complete";
  }

  #decideFraming({ head, length, chunked, keepAlive, keepAliveHintMs }: ParsedHead): void {
    if (!keepAlive) this.#keepAlive = false;
    if (keepAliveHintMs !== undefined) this.#keepAliveHintMs = keepAliveHintMs;
    if (head.status < 200) return;
    if (chunked) this.#reading = "chunk-size";
    else if (length !== undefined) {
      this.#reading = "length";
      this.#left = length;
    }
  }

  #readLength(data: Buffer): Buffer {
    if (data.length < this.#left) {
      this.#left -= data.length;
      this.#sink?.onBody(data);
      return none;
    }
    const rest = data.subarray(this.#left);
    const chunk = rest.length === 0 ? data : data.subarray(0, this.#left);
    this.#reading = "complete";
    this.#pending = rest;
    this.#sink?.onBody(chunk);
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
    this.#sink?.onBody(chunk);
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
    const trailers = parseFields(data.toString("latin1", 0, end).split("\r\n"));
    return this.#complete(withoutForbidden(trailers), data.subarray(end + 4));
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

function withoutForbidden(trailers: readonly string[]): string[] {
  return trailers.filter((_, index) => !forbiddenTrailers.has((trailers[index - (index % 2)] ?? "").toLowerCase()));
}
