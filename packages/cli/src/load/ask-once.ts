import { type Dispatcher, request } from "undici";
import type { Outcome } from "./load-report.ts";

export interface LoadTarget {
  /** Where to connect, `http://127.0.0.1:21080`. */
  readonly origin: string;
  /** The name asked for. */
  readonly hostName: string;
  /** How it is called in reports: `edge`, `listener`. */
  readonly way: string;
  /** The host behind it; absent when an edge chooses one. */
  readonly host?: string;
  /** Text that a right answer to `GET /` contains. */
  readonly contains: string;
}

export interface AskOptions {
  readonly dispatcher: Dispatcher;
  /** One connection for this request alone. */
  readonly isFresh: boolean;
  /** Sent to `POST /echo`, which has to give it back; absent: `GET /`. */
  readonly body: Buffer | undefined;
  readonly timeoutMs: number;
}

/** The answer header in which the sample site names its host. */
export const hostHeader = "x-sample-host";

/** One request and its outcome. Never rejects, never retries. */
export async function askOnce(target: LoadTarget, options: AskOptions): Promise<Outcome> {
  const startedMs = performance.now();
  const seen: { host: string | undefined } = { host: target.host };
  try {
    const reason = await exchange(target, options, seen);
    const where = { host: seen.host ?? "unknown", way: target.way };
    return reason === undefined
      ? { kind: "ok", ...where, tookMs: performance.now() - startedMs }
      : { kind: "failed", ...where, reason };
  } catch (error) {
    return { kind: "failed", host: seen.host ?? "unknown", way: target.way, reason: reasonOf(error) };
  }
}

async function exchange(
  target: LoadTarget,
  options: AskOptions,
  seen: { host: string | undefined },
): Promise<string | undefined> {
  const { body } = options;
  const response = await request(`${target.origin}${body === undefined ? "/" : "/echo"}`, {
    dispatcher: options.dispatcher,
    method: body === undefined ? "GET" : "POST",
    headers: { host: target.hostName, ...(body === undefined ? {} : { "content-type": "application/octet-stream" }) },
    body: body ?? null,
    reset: options.isFresh,
    signal: AbortSignal.timeout(options.timeoutMs),
  });
  const said = response.headers[hostHeader];
  seen.host ??= Array.isArray(said) ? said[0] : said;
  const answer = Buffer.from(await response.body.arrayBuffer());
  if (response.statusCode !== 200) return `answered ${response.statusCode}`;
  if (body !== undefined) return answer.equals(body) ? undefined : "answered 200 with another body";
  return answer.includes(target.contains) ? undefined : "answered 200 with another page";
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in time";
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return `connection failed: ${code}`;
}
