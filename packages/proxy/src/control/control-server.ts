import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Problem, type ProblemCategory } from "@sluice/core/problems/problem";
import type { SlotTable } from "@sluice/core/proxying/proxy-settings";
import type { ProxyCounts } from "../counting/proxy-counters.ts";
import { parseSlotTable } from "../settings/process-settings.ts";
import { bindPrivately } from "./bind-privately.ts";
import { type DrainOrder, keptMs, type ProxyStatus } from "./control-messages.ts";

/** What can be asked of a proxy process. Everything may be asked again: what already is, is answered as it is. */
export interface ProxyOrders {
  status(): ProxyStatus;
  counters(): ProxyCounts;
  /** In force and durable when it resolves. */
  putSlots(table: SlotTable): Promise<void>;
  /** Listening when it resolves. */
  accept(): Promise<void>;
  /** The drain has begun and will survive a respawn when it resolves. */
  drain(order: DrainOrder): Promise<void>;
}

/** The answer to the order that ends the process has to be read before it ends. */
const lastAnswersMs = 500;
/** An order is a slot table at most. */
const bodyBytesMax = 64 * 1024;
const statuses: Readonly<Record<ProblemCategory, number>> = {
  invalid: 400,
  "not-found": 404,
  conflict: 409,
  refused: 403,
  unavailable: 503,
  timeout: 504,
  corrupt: 500,
  internal: 500,
};

/** Serves `control.sock`, which only its owner can open. */
export async function startControlServer(path: string, orders: ProxyOrders): Promise<AsyncDisposable> {
  const server = createServer({ keepAliveTimeout: keptMs }, (req, res) => void answer(req, res, orders));
  await bindPrivately(server, path);
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      const timer = setTimeout(() => server.closeAllConnections(), lastAnswersMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

async function answer(req: IncomingMessage, res: ServerResponse, orders: ProxyOrders): Promise<void> {
  try {
    send(res, 200, await carryOut(`${req.method} ${req.url}`, req, orders));
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem("internal", "the order failed", { cause: error });
    const { reason, message, hint, category } = problem;
    send(res, statuses[category], { reason, message, ...(hint !== undefined && { hint }) });
  }
}

async function carryOut(order: string, req: IncomingMessage, orders: ProxyOrders): Promise<unknown> {
  switch (order) {
    case "GET /status":
      return orders.status();
    case "GET /counters":
      return orders.counters();
    case "PUT /slots":
      await orders.putSlots(readSlots(await readJson(req)));
      return orders.status();
    case "POST /accept":
      await orders.accept();
      return orders.status();
    case "POST /drain":
      await orders.drain(readDrain(await readJson(req)));
      return orders.status();
    default:
      throw new Problem("usage-invalid", `a proxy does not know ${order}`);
  }
}

function readSlots(body: unknown): SlotTable {
  const parsed = parseSlotTable(body);
  if ("table" in parsed) return parsed.table;
  throw new Problem("message-invalid", `cannot put slots: ${parsed.problems.join("; ")}`);
}

function readDrain(body: unknown): DrainOrder {
  if (typeof body === "object" && body !== null && "graceMs" in body && "limitMs" in body) {
    const { graceMs, limitMs } = body;
    if (isDuration(graceMs) && isDuration(limitMs)) return { graceMs, limitMs };
  }
  throw new Problem("message-invalid", "cannot drain: graceMs and limitMs have to be milliseconds");
}

const isDuration = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;

async function readJson(req: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of req) {
    text += String(chunk);
    if (text.length > bodyBytesMax) throw new Problem("message-invalid", "the order is too long");
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem("message-invalid", "the order is not JSON", { cause });
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  res.end(text);
}
