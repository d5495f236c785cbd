import type { ReceivedHead } from "../forwarding/received-head.ts";
import { mayBecomeHead, parseTrailers } from "./parse-request-head.ts";

/** A chunk size line with its extensions. */
const sizeLineBytesMax = 4096;
const sizeLine = /^([0-9a-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i;
const none = Buffer.alloc(0);

/** Bytes that can't be the rest of a body. */
export class BodyMalformed extends Error {}

type Reading = "length" | "chunk-size" | "chunk" | "chunk-tail" | "trailers" | "complete";

/** Reads the body of one request (RFC 9112 §6, §7.1), strictly. */
export class BodyReader {
  /** Behind the last chunk; name, value, name, value … */
  trailers: readonly string[] = [];
  readonly #trailerBytesMax: number;
  #reading: Reading;
  #left: number;

  constructor({ body, contentLength }: ReceivedHead, trailerBytesMax: number) {
    this.#reading = body === "chunked" ? "chunk-size" : body === "length" ? "length" : "complete";
    this.#left = contentLength;
    this.#trailerBytesMax = trailerBytesMax;
  }

  get complete(): boolean {
    return this.#reading === "complete";
  }

  /**
   * Takes one step: gives a piece of the body to `take` or reads what frames it. Returns what is left of `data`,
   * undefined when that needs more bytes. Throws {@link BodyMalformed}.
   */
  read(data: Buffer, take: (piece: Buffer) => void): Buffer | undefined {
    switch (this.#reading) {
      case "length":
      case "chunk":
        return this.#readPiece(data, take);
      case "chunk-size":
        return this.#readSize(data);
      case "chunk-tail":
        return this.#readTail(data);
      case "trailers":
        return this.#readTrailers(data);
      case "complete":
        return data;
    }
  }

  #readPiece(data: Buffer, take: (piece: Buffer) => void): Buffer {
    const piece = data.length <= this.#left ? data : data.subarray(0, this.#left);
    this.#left -= piece.length;
    if (this.#left === 0) this.#reading = this.#reading === "chunk" ? "chunk-tail" : "complete";
    take(piece);
    return piece.length === data.length ? none : data.subarray(piece.length);
  }

  #readSize(data: Buffer): Buffer | undefined {
    const end = data.indexOf(10);
    if (end === -1) {
      if (data.length > sizeLineBytesMax) throw new BodyMalformed("a chunk size line is too long");
      return undefined;
    }
    const size = data[end - 1] === 13 ? sizeLine.exec(data.toString("latin1", 0, end - 1)) : null;
    if (size === null) throw new BodyMalformed("a chunk size is not a number");
    this.#left = Number.parseInt(size[1] ?? "", 16);
    this.#reading = this.#left === 0 ? "trailers" : "chunk";
    return data.subarray(end + 1);
  }

  #readTail(data: Buffer): Buffer | undefined {
    if (data[0] !== 13 || (data.length > 1 && data[1] !== 10))
      throw new BodyMalformed("a chunk is longer than it said");
    if (data.length < 2) return undefined;
    this.#reading = "chunk-size";
    return data.subarray(2);
  }

  #readTrailers(data: Buffer): Buffer | undefined {
    if (data[0] === 13 && data[1] === 10) {
      this.#reading = "complete";
      return data.subarray(2);
    }
    const end = data.indexOf("\r\n\r\n");
    if (end === -1) {
      if (data.length > this.#trailerBytesMax) throw new BodyMalformed("the trailers are too long");
      if (!mayBecomeHead(data.toString("latin1"))) throw new BodyMalformed("the trailers are malformed");
      return undefined;
    }
    const trailers = parseTrailers(data.toString("latin1", 0, end));
    if (trailers === undefined) throw new BodyMalformed("the trailers are malformed");
    this.trailers = trailers;
    this.#reading = "complete";
    return data.subarray(end + 4);
  }
}
