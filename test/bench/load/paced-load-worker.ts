import { Agent, request } from "node:http";
import { parentPort, workerData } from "node:worker_threads";
import { FailureTally } from "./failure-tally.ts";
import type { PacedLoadOptions, PacedTarget } from "./paced-load.ts";

/** The load itself, in the thread that `startPacedLoad` starts. Time stamps are of this thread. */

interface Client {
  /** Asked by it from first to last, so that a client that keeps its connection holds exactly one. */
  readonly target: PacedTarget;
  /** Holds at most one connection; `false`: a new one for every request. */
  readonly agent: Agent | false;
}

interface Due {
  readonly index: number;
  readonly dueAt: number;
}

/** An answer that takes longer is a failure. */
const timeoutMs = 20_000;
const tickMs = 2;
const postBody = "x".repeat(512);
const { targets, requestsPerSecond, clients } = workerData as PacedLoadOptions;
/** Three of ten requests are a POST. All clients have had their turn after `clients` requests, and then others send them. */
const isPost = (index: number): boolean => [2, 5, 8].includes((index + Math.floor(index / clients)) % 10);

const tally = new FailureTally();
/** The longest idle one goes first, so that every kept connection is idle for a while. */
const idle: Record<"kept" | "fresh", Client[]> = { kept: [], fresh: [] };
const waiting: Record<"kept" | "fresh", Due[]> = { kept: [], fresh: [] };
// Pairs, so that each kind of client meets each target.
for (let index = 0; index < clients; index += 1) {
  const target = targets[Math.floor(index / 2) % targets.length];
  if (target === undefined) throw new Error("cannot send requests: there is no target");
  if (kindOf(index) === "kept") {
    idle.kept.push({ target, agent: new Agent({ keepAlive: true, maxSockets: 1, timeout: 0 }) });
  } else idle.fresh.push({ target, agent: false });
}

const startedAt = performance.now();
let due = 0;
let open = 0;
const ticking = setInterval(() => {
  const now = performance.now();
  for (; startedAt + (due * 1000) / requestsPerSecond <= now; due += 1) {
    waiting[kindOf(due)].push({ index: due, dueAt: startedAt + (due * 1000) / requestsPerSecond });
  }
  dispatch("kept");
  dispatch("fresh");
}, tickMs);

parentPort?.once("message", () => {
  clearInterval(ticking);
  const finish = setInterval(() => {
    if (open + waiting.kept.length + waiting.fresh.length > 0) return;
    clearInterval(finish);
    parentPort?.postMessage(tally.report());
  }, tickMs);
});
parentPort?.postMessage("started");

function kindOf(index: number): "kept" | "fresh" {
  return index % 2 === 0 ? "kept" : "fresh";
}

function dispatch(kind: "kept" | "fresh"): void {
  while (waiting[kind].length > 0 && idle[kind].length > 0) {
    const next = waiting[kind].shift();
    const client = idle[kind].shift();
    if (next === undefined || client === undefined) return;
    open += 1;
    void serve(client, next).finally(() => {
      open -= 1;
      idle[kind].push(client);
      dispatch(kind);
    });
  }
}

async function serve({ target, agent }: Client, { index, dueAt }: Due): Promise<void> {
  const method = isPost(index) ? "POST" : "GET";
  const how = `${method} on a ${agent === false ? "fresh" : "kept"} connection`;
  try {
    const sentAt = performance.now();
    const wrong = await ask(target, method, agent);
    if (wrong === undefined) tally.countOk(sentAt - dueAt, performance.now() - sentAt);
    else tally.countFailed(`${how}: ${wrong}`);
  } catch (error) {
    tally.countFailed(`${how}: ${error instanceof Error && "code" in error ? error.code : String(error)}`);
  }
}

/** Answers with what is wrong with the answer. `node:http` never sends a request again. */
function ask({ port, hostName }: PacedTarget, method: string, agent: Agent | false): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const headers = { Host: hostName, ...(method === "POST" && { "Content-Length": postBody.length }) };
  const signal = AbortSignal.timeout(timeoutMs);
  const asked = request({ host: "127.0.0.1", port, method, agent, headers, signal }, (answer) => {
    let body = "";
    answer.setEncoding("latin1").on("data", (text: string) => {
      body += text;
    });
    answer.on("error", reject);
    answer.on("end", () => resolve(wrongWith(answer.statusCode, body)));
  });
  asked.on("error", reject);
  asked.end(method === "POST" ? postBody : undefined);
  return promise;
}

function wrongWith(status: number | undefined, body: string): string | undefined {
  if (status !== 200) return `answered ${status}`;
  return body === "blue" || body === "green" ? undefined : "answered 200 with another body";
}
