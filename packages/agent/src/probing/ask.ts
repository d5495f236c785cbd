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
  const limit = AbortSignal.timeout(Math.ceil(question.probe.timeoutMs));
  const either = AbortSignal.any([limit, options.signal]);
  let socket: Socket | undefined;
  try {
    either.throwIfAborted();
    socket = await connect(question.way, either);
    const fault = await secure(question, socket, options, either);
    if (fault.kind === "fault") return { kind: "failed", reason: fault.reason, timedOut: false };
    return await exchange(question, fault.socket, either);
  } catch (error) {
    if (options.signal.aborted) return { kind: "not-asked", reason: "given up before it was answered" };
    if (limit.aborted) return { kind: "failed", reason: timeoutWords(question), timedOut: true };
    const reason = failureWords(error, wayName(question.way));
    return isOwnError(error) ? { kind: "not-asked", reason } : { kind: "failed", reason, timedOut: false };
  } finally {
    socket?.destroy();
  }
}

const timeoutWords = (question: Asked): string =>
  `${wayName(question.way)} gave no complete answer within ${formatDuration(durationMs(question.probe.timeoutMs))}`;

const wayName = (way: Way): string => (way.kind === "tcp" ? `${way.host}:${way.port}` : `probe socket ${way.path}`);

async function connect(way: Way, signal: AbortSignal): Promise<Socket> {
  const socket = way.kind === "tcp" ? connectTcp({ host: way.host, port: way.port }) : connectTcp({ path: way.path });
  try {
    await once(socket, "connect", { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  // Between the steps nobody else listens; a reset then shows in the next step.
  socket.on("error", () => {});
  if (way.kind === "probe-socket") socket.write(probeSocketHeader(way));
  return socket;
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

async function secure(question: Asked, plain: Socket, options: AskOptions, signal: AbortSignal): Promise<Secured> {
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
  await once(socket, "secureConnect", { signal });
  socket.on("error", () => {});
  const fault = certificateFault(socket, serverName, options.trust, options.nowMs());
  return fault === undefined ? { kind: "ready", socket } : { kind: "fault", reason: fault };
}

async function exchange(question: Asked, socket: Socket, signal: AbortSignal): Promise<Answer> {
  const asked = request({
    createConnection: () => socket,
    method: question.probe.method,
    path: question.path,
    headers: [...question.rawHeaders, "Connection", "close"],
    setHost: false,
    signal,
  });
  asked.end(question.probe.body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  asked.on("error", () => {});
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

async function readBody(response: IncomingMessage): Promise<{ readonly body: string; readonly cut: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bodyBytesMax) break;
  }
  return { body: Buffer.concat(chunks).subarray(0, bodyBytesMax).toString("utf8"), cut: bytes > bodyBytesMax };
}
