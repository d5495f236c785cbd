import { type DurationMs, durationMs, Problem, seconds } from "@sluice/core";
import { Agent, request } from "undici";
import type { Post } from "./encode-message.ts";

/** What became of one attempt. `failure` is a clause without URL or token, for everybody who may look. */
export interface Outcome {
  readonly failure?: string;
  /** When the receiver wants to be asked again. */
  readonly retryAfterMs?: DurationMs;
}

export interface Telling {
  readonly method: "POST" | "GET";
  /** Asked for when it is sent, so that secrets are read then. */
  readonly post: () => Promise<Post>;
  readonly token?: () => Promise<string>;
  /** The same in every attempt. */
  readonly id?: string;
  readonly signal: AbortSignal;
}

/** From the first byte sent to the last byte of the answer's head. */
export const tellWithinMs = seconds(10);

/** Longer answers are cut off: nobody reads them. */
const answerBytesMax = 16 * 1024;

/** Sends by HTTP: one attempt with one deadline, no redirects, and no more of the answer than its status. Never rejects. */
export class Teller implements AsyncDisposable {
  readonly #agent: Agent;
  readonly #withinMs: DurationMs;

  constructor(withinMs: DurationMs = tellWithinMs) {
    this.#withinMs = withinMs;
    this.#agent = new Agent({
      connect: { timeout: withinMs },
      headersTimeout: withinMs,
      bodyTimeout: withinMs,
      // Messages are rare, and an idle line may be cut without a word.
      keepAliveTimeout: 1000,
      keepAliveMaxTimeout: 1000,
    });
  }

  async tell(telling: Telling): Promise<Outcome> {
    try {
      const { url, body } = await telling.post();
      const token = await telling.token?.();
      return await this.#send(telling, url, body, token);
    } catch (error) {
      return { failure: this.#failureOf(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #send({ method, id, signal }: Telling, url: URL, body: unknown, token: string | undefined): Promise<Outcome> {
    const answer = await request(url, {
      method,
      dispatcher: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.#withinMs)]),
      headers: {
        "user-agent": "sluice",
        ...(method === "GET" ? {} : { "content-type": "application/json" }),
        ...(id === undefined ? {} : { "idempotency-key": id }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
    });
    await answer.body.dump({ limit: answerBytesMax, signal }).catch(() => undefined);
    const { statusCode: status } = answer;
    if (status >= 200 && status < 300) return {};
    const hint = status >= 300 && status < 400 ? ", and redirects are not followed: give the address it leads to" : "";
    return { failure: `it answered ${status}${hint}`, ...retryAfterOf(answer.headers["retry-after"]) };
  }

  #failureOf(error: unknown): string {
    if (error instanceof Problem) return error.message;
    if (!(error instanceof Error)) return "it could not be asked";
    if (error.name === "TimeoutError" || /TIMEOUT/.test(codeOf(error))) return `no answer within ${this.#withinMs} ms`;
    // Messages of the network may name addresses; their codes don't.
    return `it could not be asked (${codeOf(error) || error.name})`;
  }
}

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "");

/** Seconds; dates are left to the back-off. */
function retryAfterOf(header: string | string[] | undefined): Pick<Outcome, "retryAfterMs"> {
  const wanted = Number(Array.isArray(header) ? header[0] : header);
  return Number.isFinite(wanted) && wanted > 0 ? { retryAfterMs: durationMs(wanted * 1000) } : {};
}
