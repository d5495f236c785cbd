import type { Socket } from "node:net";

/** Node writes a string of this size to a socket at once, from its stack; anything larger takes a buffer of its own. */
const textBytesMax = 16_384;
/** What a peer leaves unread here before the other side is read no further. */
const unsentBytesMax = 128 * 1024;

/** Gathers what is to be written to a socket until `flush`, so that it leaves in one system call. */
export class GatheredWriter {
  readonly #socket: Socket;
  readonly #parts: (string | Buffer)[] = [];
  #text = "";

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The peer has so much to read that it should not be given more. A `drain` of the socket follows. */
  get congested(): boolean {
    return this.#socket.writableLength > unsentBytesMax;
  }

  /** Something that was flushed has not left yet; its bytes must not change. */
  get unsent(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Latin-1 text. */
  text(text: string): void {
    this.#text += text;
  }

  /** Small bytes travel as Latin-1 text with what is before them, which is cheaper than a vector of buffers. */
  bytes(bytes: Buffer): void {
    if (this.#parts.length === 0 && this.#text.length + bytes.length <= textBytesMax) {
      this.#text += bytes.toString("latin1");
      return;
    }
    this.#endText();
    this.#parts.push(bytes);
  }

  /** Hands everything to the socket; see `unsent`. */
  flush(): void {
    if (this.#parts.length === 0) {
      if (this.#text !== "") this.#socket.write(this.#text, "latin1");
      this.#text = "";
      return;
    }
    this.#endText();
    this.#socket.cork();
    for (const part of this.#parts) {
      if (typeof part === "string") this.#socket.write(part, "latin1");
      else this.#socket.write(part);
    }
    this.#parts.length = 0;
    this.#socket.uncork();
  }

  /** Forgets what was not flushed. */
  discard(): void {
    this.#parts.length = 0;
    this.#text = "";
  }

  #endText(): void {
    if (this.#text !== "") this.#parts.push(this.#text);
    this.#text = "";
  }
}
