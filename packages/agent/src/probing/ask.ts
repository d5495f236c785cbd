import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { servedByHeader } from "@sluice/core/proxying/header-fate";
import { durationMs, formatDuration } from "@sluice/core/units/time";
import { writeProxyHeader } from "@sluice/proxy/serving/proxy-protocol";
import { type Answer, parseServedBy } from "./answer.ts";
import { failureWords, isOwnError } from "./failure-words.ts";
import type { Question, Way } from "./question.ts";
import { certificateFault, type Trust } from "./trust.ts";

/** What is read of a body: enough for any `contains`, and a slot that streams for ever ends here. */
export const bodyBytesMax = 64 * 1024;

/** As much of a question as it takes to ask it. */
type Asked = Pick<Question, "probe" | "way" | "tls" | "path" | "rawHeaders">;

export interface AskOptions {
  readonly trust: Trust;
  /** The round's own end; a question cut short by it was not asked. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

/**
 * Asks one question on a connection of its own, within the probe's timeout from first byte to last.
 * Follows no redirect. Never rejects: every failure is an answer in words.
 */
export async function ask(question: Asked, options: AskOptions): Promise<Answer> {
  if (options.signal.aborted) return givenUp;
  const limit = new Limit(question.probe.timeoutMs, options.signal);
  const plain = open(question.way);
  try {
    const asking = converse(question, plain, options);
    // One that goes on beyond its limit breaks off when its socket is closed, and nobody hears of it.
    asking.catch(() => {});
    return await Promise.race([asking, limit.reached]);
  } catch (error) {
    if (options.signal.aborted) return givenUp;
    if (limit.passed) return { kind: "failed", reason: timeoutWords(question), timedOut: true };
    const reason = failureWords(error, wayName(question.way));
    return isOwnError(error) ? { kind: "not-asked", reason } : { kind: "failed", reason, timedOut: false };
  } finally {
    limit.over();
    plain.destroy();
  }
}

const givenUp: Answer = { kind: "not-asked", reason: "given up before it was answered" };

/**
 * What ends a question that is not answered: its own time, or the end of its round. Questions are most of what an agent does, and
 * two signals for each of them cost a third of it.
 */
class Limit {
  /** Rejects with the end; never resolves. */
  readonly reached: Promise<never>;
  /** It was the time. */
  passed = false;
  readonly #round: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #end: () => void;

  constructor(timeoutMs: number, round: AbortSignal) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.reached = promise;
    this.#end = () => reject(new Error("not answered in time"));
    this.#round = round;
    this.#timer = setTimeout(() => {
      this.passed = true;
      this.#end();
    }, Math.ceil(timeoutMs));
    round.addEventListener("abort", this.#end);
  }

  over(): void {
    clearTimeout(this.#timer);
    this.#round.removeEventListener("abort", this.#end);
  }
}

const timeoutWords = (question: Asked): string =>
  `${wayName(question.way)} gave no complete answer within ${formatDuration(durationMs(question.probe.timeoutMs))}`;

const wayName = (way: Way): string => (way.kind === "tcp" ? `${way.host}:${way.port}` : `probe socket ${way.path}`);

function open(way: Way): Socket {
  const socket = way.kind === "tcp" ? connectTcp({ host: way.host, port: way.port }) : connectTcp({ path: way.path });
  // Between the steps nobody else listens; a reset then shows in the next step.
  socket.on("error", () => {});
  return socket;
}

async function converse(question: Asked, plain: Socket, options: AskOptions): Promise<Answer> {
  await once(plain, "connect");
  if (question.way.kind === "probe-socket") plain.write(probeSocketHeader(question.way));
  const secured = await secure(question, plain, options);
  if (secured.kind === "fault") return { kind: "failed", reason: secured.reason, timedOut: false };
  return exchange(question, secured.socket);
}

/** Announces a connection from this host itself to the port that the binding names. */
function probeSocketHeader(way: Way & { readonly kind: "probe-socket" }): Buffer {
  return writeProxyHeader({
    source: { address: "127.0.0.1", port: 0 },
    destination: { address: "127.0.0.1", port: way.bindingPort },
    tls: way.tlsTakenOff,
  });
}

type Secured =
  | { readonly kind: "ready"; readonly socket: Socket }
  | { readonly kind: "fault"; readonly reason: string };

async function secure(question: Asked, plain: Socket, options: AskOptions): Promise<Secured> {
  if (question.tls === undefined) return { kind: "ready", socket: plain };
  const { serverName } = question.tls;
  // The certificate is judged below, so that a bad one becomes words instead of a broken connection.
  const socket = connectTls({
    socket: plain,
    servername: serverName,
    secureContext: options.trust.context(),
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
  });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  const fault = certificateFault(socket, serverName, options.trust, options.nowMs());
  return fault === undefined ? { kind: "ready", socket } : { kind: "fault", reason: fault };
}

async function exchange(question: Asked, socket: Socket): Promise<Answer> {
  const asked = request({
    createConnection: () => socket,
    method: question.probe.method,
    path: question.path,
    headers: [...question.rawHeaders, "Connection", "close"],
    setHost: false,
  });
  asked.on("error", () => {});
  asked.end(question.probe.body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const { body, cut } = await readBody(response);
  const servedBy = parseServedBy(header(response, servedByHeader.toLowerCase()));
  return {
    kind: "answered",
    status: response.statusCode ?? 0,
    contentType: header(response, "content-type") ?? "",
    body,
    bodyCut: cut,
    ...(servedBy === undefined ? {} : { servedBy }),
  };
}

function header(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

interface ReadBody {
  readonly body: string;
  readonly cut: boolean;
}

function readBody(response: IncomingMessage): Promise<ReadBody> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const read = (): void => {
      const body = Buffer.concat(chunks).subarray(0, bodyBytesMax).toString("utf8");
      resolve({ body, cut: bytes > bodyBytesMax });
    };
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bodyBytesMax) read();
    });
    response.on("end", read);
    response.on("error", reject);
  });
}
