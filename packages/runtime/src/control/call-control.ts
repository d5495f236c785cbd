import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { Problem, type ProblemReason } from "@sluice/core/problems/problem";
import { readBody } from "./read-body.ts";
import type { Method } from "./route.ts";
import { assertSocketPath } from "./socket-path.ts";
import { fromWire } from "./wire-problem.ts";

export interface CallOptions {
  /** From the call until the whole answer is here; `deadline-passed` after it. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The reason used when nobody answers on the socket. */
  readonly unreachable: ProblemReason;
}

/** Generous for an order on the same machine, short enough to notice a process that hangs. */
const timeoutMsDefault = 10_000;
const answerBytesMax = 16 * 1024 * 1024;

/**
 * Asks a process on this machine. Answers with the JSON of the body; a problem that was answered is thrown as that problem,
 * a missing or dying server as `options.unreachable`.
 */
export async function callControl(
  path: string,
  method: Method,
  url: string,
  body: unknown,
  options: CallOptions,
): Promise<unknown> {
  const { timeoutMs = timeoutMsDefault } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    const response = await exchange(path, method, url, body, signal);
    return parseAnswer(response, await readBody(response, answerBytesMax), `${method} ${url}`);
  } catch (error) {
    throw asCallProblem(error, { path, what: `${method} ${url}`, deadline, timeoutMs, options });
  }
}

/** Reads an endless answer line by line; ends when the server ends it, throws like {@link callControl}. */
export async function* streamControl(
  path: string,
  url: string,
  options: Omit<CallOptions, "timeoutMs">,
): AsyncGenerator<unknown> {
  const failed = (error: unknown) => asCallProblem(error, { path, what: `GET ${url}`, options });
  let response: IncomingMessage;
  try {
    response = await exchange(path, "GET", url, undefined, options.signal);
    if (response.statusCode !== 200) parseAnswer(response, await readBody(response, answerBytesMax), `GET ${url}`);
  } catch (error) {
    throw failed(error);
  }
  try {
    for await (const line of createInterface({ input: response })) yield JSON.parse(line);
  } finally {
    response.destroy();
  }
}

function exchange(
  path: string,
  method: Method,
  url: string,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  assertSocketPath(path);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers =
    text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const outgoing = request({
      socketPath: path,
      path: url,
      method,
      headers: { host: "control", ...headers },
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    });
    outgoing.once("response", resolve);
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

function parseAnswer(response: IncomingMessage, bytes: Buffer, what: string): unknown {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new Problem("message-invalid", `cannot read the answer to ${what}: it is not JSON`, { cause: error });
  }
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return body;
  throw (
    fromWire(body) ?? new Problem("internal", `cannot read the answer to ${what}: status ${status} without a problem`)
  );
}

interface CallContext {
  readonly path: string;
  readonly what: string;
  readonly deadline?: AbortSignal;
  readonly timeoutMs?: number;
  readonly options: Pick<CallOptions, "signal" | "unreachable">;
}

/** Codes of a server that is not there, or went away before it had answered. */
const goneCodes: readonly unknown[] = ["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE", "ENOTSOCK", "EACCES"];

function asCallProblem(error: unknown, { path, what, deadline, timeoutMs, options }: CallContext): unknown {
  if (options.signal?.aborted) return options.signal.reason;
  if (deadline?.aborted) {
    return new Problem("deadline-passed", `no answer to ${what} on '${path}' within ${timeoutMs} ms`);
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (!goneCodes.includes(code)) return error;
  return new Problem(options.unreachable, `nobody answers ${what} on '${path}'`, { cause: error });
}
