import { createServer, type Socket } from "node:net";
import { type ReadMessage, readChunked, readFields, valuesOf } from "./response-reader.ts";

/** A request as it reached a slot. */
export interface SlotRequest {
  /** The request line, as it came. */
  readonly line: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** Why the trailers were none; they frame nothing, so the request is one all the same. */
  readonly trailersMalformed?: string;
  /** 0 for the first connection of the slot. */
  readonly connection: number;
}

/** Answers a request: the bytes to send, or undefined when it has written itself or stays silent. */
export type Script = (request: SlotRequest, socket: Socket) => string | Buffer | undefined;

export interface ScriptedSlot extends AsyncDisposable {
  readonly port: number;
  readonly requests: readonly SlotRequest[];
  /** Why bytes that came were no request; empty when the proxy did its work. */
  readonly malformed: readonly string[];
  readonly connections: number;
}

/** Bytes of a plain 200. */
export function ok(body = "ok", ...lines: readonly string[]): string {
  return `${["HTTP/1.1 200 OK", ...lines, `Content-Length: ${Buffer.byteLength(body)}`].join("\r\n")}\r\n\r\n${body}`;
}

/** A slot that says exactly what its script says, and notes every request. `early` runs as soon as a head is there; `idleCloseMs` after an answer it closes the connection. */
export async function startScriptedSlot(
  script: Script = () => ok(),
  options: { readonly early?: (head: string, socket: Socket) => void; readonly idleCloseMs?: number } = {},
): Promise<ScriptedSlot> {
  const requests: SlotRequest[] = [];
  const malformed: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = connections;
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let got: Buffer = Buffer.alloc(0);
    let headSeen = false;
    const onData = (data: Buffer): void => {
      got = Buffer.concat([got, data]);
      const headEnd = got.indexOf("\r\n\r\n");
      if (!headSeen && headEnd !== -1) {
        headSeen = true;
        options.early?.(got.toString("latin1", 0, headEnd), socket);
      }
      try {
        for (let read = readRequest(got, connection); read !== undefined; read = readRequest(got, connection)) {
          got = read.rest;
          headSeen = false;
          requests.push(read.message);
          const answer = script(read.message, socket);
          if (options.idleCloseMs !== undefined) socket.setTimeout(options.idleCloseMs, () => socket.destroy());
          if (answer !== undefined) socket.write(typeof answer === "string" ? Buffer.from(answer, "latin1") : answer);
          if (switches(answer)) {
            socket.off("data", onData);
            break;
          }
        }
      } catch (error) {
        malformed.push(String(error));
        socket.destroy();
      }
    };
    socket.on("data", onData);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return {
    port: address.port,
    requests,
    malformed,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const switches = (answer: string | Buffer | undefined): boolean =>
  answer?.toString().startsWith("HTTP/1.1 101") ?? false;

/** One request at the beginning of `data`, read as strictly as RFC 9112 allows; undefined while it is incomplete. */
function readRequest(data: Buffer, connection: number): ReadMessage<SlotRequest> | undefined {
  const end = data.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [line = "", ...lines] = data.toString("latin1", 0, end).split("\r\n");
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ (?:\/[^#\s]*|\*) HTTP\/1\.[01]$/.test(line)) {
    throw new Error(`not a request line: ${JSON.stringify(line)}`);
  }
  const headers = readFields(lines);
  const lengths = valuesOf({ headers }, "content-length");
  // An empty list says nothing (RFC 9110 §5.6.1).
  const encodings = valuesOf({ headers }, "transfer-encoding").filter((value) => value !== "");
  if (valuesOf({ headers }, "host").length !== 1) throw new Error("not exactly one Host");
  if (encodings.length > 0 && line.endsWith("1.0")) throw new Error("Transfer-Encoding in HTTP/1.0");
  if (encodings.some((encoding) => !/^[, \t]*chunked[, \t]*$/i.test(encoding)))
    throw new Error(`transfer encoding ${encodings}`);
  if (lengths.some((length) => !/^\d+$/.test(length))) throw new Error(`length ${lengths}`);
  if (lengths.length + encodings.length > 1) throw new Error("framed more than once");
  const head = { line, headers, connection };
  const behind = data.subarray(end + 4);
  if (encodings.length > 0) {
    const read = readChunked(behind);
    return read && { message: { ...head, body: read.body, ...trailersOf(read.trailerLines) }, rest: read.rest };
  }
  const bytes = Number(lengths[0] ?? 0);
  if (behind.length < bytes) return undefined;
  return { message: { ...head, body: behind.subarray(0, bytes), trailers: [] }, rest: behind.subarray(bytes) };
}

function trailersOf(lines: readonly string[]): Pick<SlotRequest, "trailers" | "trailersMalformed"> {
  try {
    return { trailers: readFields(lines) };
  } catch (error) {
    return { trailers: [], trailersMalformed: String(error) };
  }
}

/** The live slot at `port`, and where the other one is when given. */
export function slotsAt(blue: number, green?: number, live: "blue" | "green" | "hold" = "blue") {
  return {
    live,
    blue: { host: "127.0.0.1", port: blue, release: "sha256:blue" },
    ...(green !== undefined && { green: { host: "127.0.0.1", port: green, release: "sha256:green" } }),
  } as const;
}
