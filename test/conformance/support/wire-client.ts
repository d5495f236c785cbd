import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { readResponse, type WireResponse } from "./response-reader.ts";

export interface WireTarget {
  readonly port: number;
  readonly address?: string;
}

/** A client that says exactly the bytes it is told to and reads responses strictly. */
export class WireClient implements Disposable {
  readonly socket: Socket;
  #got: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data: Buffer) => {
      this.#got = Buffer.concat([this.#got, data]);
      this.#wake();
    });
    socket.on("error", () => undefined);
    for (const event of ["end", "close"] as const) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  static async open({ port, address = "127.0.0.1" }: WireTarget): Promise<WireClient> {
    const socket = connect({ port, host: address, noDelay: true });
    await once(socket, "connect");
    return new WireClient(socket);
  }

  /** Something has come that was not read yet, or the other side has ended the connection. */
  get heard(): boolean {
    return this.#got.length > 0 || this.#ended;
  }

  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    return this;
  }

  /** The next response; rejects when the connection ends before it is complete. */
  async response(method = "GET"): Promise<WireResponse> {
    for (;;) {
      const read = readResponse(this.#got, { method, ended: this.#ended });
      if (read !== undefined) {
        this.#got = read.rest;
        return read.message;
      }
      if (this.#ended)
        throw new Error(`the connection ended after ${JSON.stringify(this.#got.toString("latin1", 0, 200))}`);
      await this.#more();
    }
  }

  /** Resolves as soon as what has come and was not read yet contains `text`. */
  async seen(text: string): Promise<void> {
    while (!this.#got.includes(text)) {
      if (this.#ended) throw new Error(`the connection ended without ${JSON.stringify(text)}`);
      await this.#more();
    }
  }

  /** Takes `count` bytes. */
  async bytes(count: number): Promise<Buffer> {
    while (this.#got.length < count) {
      if (this.#ended) throw new Error(`the connection ended after ${this.#got.length} of ${count} bytes`);
      await this.#more();
    }
    const taken = this.#got.subarray(0, count);
    this.#got = this.#got.subarray(count);
    return taken;
  }

  /** Everything that was not read, once the other side has ended the connection. */
  async end(): Promise<string> {
    while (!this.#ended) await this.#more();
    return this.#got.toString("latin1");
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** One request on a connection of its own. */
export async function exchange(target: WireTarget, bytes: string | Buffer, method = "GET"): Promise<WireResponse> {
  using client = await WireClient.open(target);
  return await client.send(bytes).response(method);
}

/** A request of `app.test` without a body; `lines` are further header lines. */
export function get(path = "/", ...lines: readonly string[]): string {
  return request(`GET ${path} HTTP/1.1`, "Host: app.test", ...lines);
}

/** A head of these lines. */
export function request(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}
