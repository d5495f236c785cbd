import { chmod, rename, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Problem } from "@sluice/core/problems/problem";
import type { Running } from "../running/running.ts";
import { readBody } from "./read-body.ts";
import { type AnyRoute, findRoute, parseBody, Streamed } from "./route.ts";
import { assertSocketPath, bindingPath } from "./socket-path.ts";
import { asProblem, statusOf, toWire } from "./wire-problem.ts";

export interface ControlOptions {
  readonly path: string;
  /** Permissions of the socket; owner only by default. */
  readonly mode?: number;
  readonly routes: readonly AnyRoute[];
  /** Larger bodies are refused as `message-invalid` and never held. */
  readonly bodyBytesMax?: number;
  /** How long a disposal waits for answers under way, in milliseconds. */
  readonly drainMs?: number;
}

/** A mebibyte: orders are small, and whoever sends more is not one of ours. */
const bodyBytesMaxDefault = 1024 * 1024;
const drainMsDefault = 1000;
/** A request that dawdles longer than this holds nothing of ours. */
const requestTimeoutMs = 30_000;

/**
 * Serves JSON over HTTP on a unix socket. The socket is bound under a name of its own and renamed onto `path`: a successor may
 * take `path` over while this one still serves, and stopping this one never removes the successor's. Resolves once it listens.
 */
export async function serveControl(options: ControlOptions): Promise<Running> {
  const { path, mode = 0o600, drainMs = drainMsDefault } = options;
  const bound = bindingPath(path);
  assertSocketPath(bound);
  const stopping = new AbortController();
  const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: 10_000 }, (request, response) => {
    void answer(options, stopping.signal, request, response);
  });
  await rm(bound, { force: true });
  await listen(server, bound);
  const done = new Promise<void>((resolve, reject) => {
    server.once("close", resolve);
    server.once("error", reject);
  });
  done.catch(() => undefined);
  await chmod(bound, mode);
  await rename(bound, path);
  return { done, [Symbol.asyncDispose]: () => stop(server, stopping, drainMs) };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function stop(server: Server, stopping: AbortController, drainMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  stopping.abort();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(cut);
}

async function answer(
  options: ControlOptions,
  stopping: AbortSignal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.on("error", () => undefined);
  const what = `${request.method ?? "?"} ${request.url ?? "?"}`;
  try {
    const result = await dispatch(options, AbortSignal.any([gone.signal, stopping]), request);
    if (result instanceof Streamed) await sendLines(response, result);
    else send(response, 200, result ?? {});
  } catch (error) {
    const problem = asProblem(error, `cannot answer ${what}`);
    send(response, statusOf(problem), toWire(problem));
  }
}

async function dispatch(options: ControlOptions, signal: AbortSignal, request: IncomingMessage): Promise<unknown> {
  const url = new URL(request.url ?? "/", "http://control");
  const { route, params } = findRoute(options.routes, request.method ?? "GET", url.pathname);
  const bytes = await readBody(request, options.bodyBytesMax ?? bodyBytesMaxDefault);
  const body = parseBody(route, bytes);
  return route.handle({ params, query: url.searchParams, body, signal });
}

/** Every answer closes its connection: a control client asks rarely, and a stopping server then has nothing to wait for. */
function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return void response.destroy();
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    connection: "close",
  });
  response.end(text);
}

async function sendLines(response: ServerResponse, { lines }: Streamed): Promise<void> {
  response.writeHead(200, { "content-type": "application/x-ndjson", connection: "close" });
  response.flushHeaders();
  for await (const line of lines) {
    if (response.destroyed) return;
    response.write(`${JSON.stringify(line)}\n`);
    if (response.writableLength > bodyBytesMaxDefault) {
      throw new Problem("deadline-passed", "cannot keep streaming: the reader does not read");
    }
  }
  response.end();
}
