import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Way } from "./fresh-requests.ts";

/** An upgraded connection to the site, which says which release it is and then gives every byte back. */
export interface EchoSocket extends Disposable {
  readonly release: string;
  /** Sends a line and answers with what came back. */
  echo(line: string): Promise<string>;
  /** When the other side ended it (monotonic); undefined while it is open. */
  readonly closedAt: number | undefined;
  readonly closed: Promise<void>;
}

export async function openEchoSocket(way: Way): Promise<EchoSocket> {
  const socket = connect(way.port, "127.0.0.1");
  await once(socket, "connect");
  const lines = new Lines(socket);
  socket.write(
    `GET /socket HTTP/1.1\r\nHost: ${way.hostName}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  const status = await lines.next();
  if (!status.includes("101")) throw new Error(`not upgraded: ${status}`);
  while ((await lines.next()) !== "");
  const release = (await lines.next()).replace("release ", "");
  let closedAt: number | undefined;
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      closedAt = performance.now();
      resolve();
    });
  });
  return {
    release,
    closed,
    get closedAt() {
      return closedAt;
    },
    echo: (line) => {
      socket.write(`${line}\n`);
      return lines.next();
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** What a socket receives, line by line. */
class Lines {
  #rest = "";
  readonly #ready: string[] = [];
  readonly #waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];

  constructor(socket: Socket) {
    socket.on("data", (chunk: Buffer) => this.#take(chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("the connection was closed"));
    });
  }

  next(): Promise<string> {
    const line = this.#ready.shift();
    if (line !== undefined) return Promise.resolve(line);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#ready.push(line);
      else waiting.resolve(line);
    }
  }
}
