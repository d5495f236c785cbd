import { Agent, request } from "node:http";
import { Problem, type ProblemReason, problemCatalogue } from "@sluice/core/problems/problem";
import type { SlotTable } from "@sluice/core/proxying/proxy-settings";
import type { ProxyCounts } from "../counting/proxy-counters.ts";
import { type DrainOrder, keptMs, type ProxyStatus } from "./control-messages.ts";

/** What the agent asks of one proxy process. Every call rejects with a `Problem`; `proxy-unreachable` when nobody answers. */
export interface ProxyControl {
  status(): Promise<ProxyStatus>;
  /** Resolves when the table is durable and the next request uses it. */
  putSlots(table: SlotTable): Promise<ProxyStatus>;
  /** Resolves when the inherited sockets are listened on. */
  accept(): Promise<ProxyStatus>;
  /** Resolves when the drain has begun; the process exits 0 when it is over. */
  drain(order: DrainOrder): Promise<ProxyStatus>;
  counters(): Promise<ProxyCounts>;
}

/** A proxy answers within milliseconds or is stuck. */
const answerTimeoutMs = 5000;

/**
 * Every proxy of a host is asked every few seconds, and connecting is most of a question: connections of questions are kept, for less
 * long than the other end keeps them. They hold no program alive.
 */
const kept = new Agent({ keepAlive: true, timeout: keptMs / 2 });

/** Talks to the process behind `control.sock`. Each order has a connection of its own, which nothing else can have broken. */
export function openProxyControl(socketPath: string): ProxyControl {
  return {
    status: () => question<ProxyStatus>(socketPath, "/status"),
    putSlots: (table) => ask<ProxyStatus>(socketPath, { method: "PUT", path: "/slots", body: table }),
    accept: () => ask<ProxyStatus>(socketPath, { method: "POST", path: "/accept", body: {} }),
    drain: (order) => ask<ProxyStatus>(socketPath, { method: "POST", path: "/drain", body: order }),
    counters: () => question<ProxyCounts>(socketPath, "/counters"),
  };
}

/** A kept connection may lead to a process that is no more, which is found out by using it: then it is asked once on a new one. */
async function question<Answer>(socketPath: string, path: string): Promise<Answer> {
  try {
    return await ask<Answer>(socketPath, { method: "GET", path, agent: kept });
  } catch (error) {
    if (!(error instanceof Problem && error.cause instanceof KeptConnectionLost)) throw error;
    return ask<Answer>(socketPath, { method: "GET", path });
  }
}

class KeptConnectionLost extends Error {}

interface Asked {
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly body?: unknown;
  /** Has connections to use again; absent: a new one is opened. */
  readonly agent?: Agent;
}

function ask<Answer>(socketPath: string, { method, path, body, agent }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    let timedOut = false;
    const unreachable = (error: Error): void => {
      const isLost = req.reusedSocket && !timedOut;
      const cause = isLost ? new KeptConnectionLost("a kept connection was lost", { cause: error }) : error;
      reject(new Problem("proxy-unreachable", `cannot reach the proxy at ${socketPath}`, { cause }));
    };
    const req = request(
      { socketPath, method, path, agent: agent ?? false, timeout: answerTimeoutMs, headers: { Host: "proxy" } },
      (res) => {
        let answer = "";
        res.setEncoding("utf8");
        res.on("data", (chunk: string) => {
          answer += chunk;
        });
        res.on("error", unreachable);
        res.on("end", () => {
          try {
            const value: unknown = JSON.parse(answer);
            // The peer is our own program of the same fleet; its answers are typed by `ProxyOrders`.
            if (res.statusCode === 200) resolve(value as Answer);
            else reject(toProblem(value));
          } catch (cause) {
            unreachable(cause instanceof Error ? cause : new Error(String(cause)));
          }
        });
      },
    );
    req.on("timeout", () => {
      timedOut = true;
      req.destroy(new Error(`no answer within ${answerTimeoutMs} ms`));
    });
    req.on("error", unreachable);
    req.end(text);
  });
}

function toProblem(value: unknown): Problem {
  const { reason, message, hint }: { reason?: unknown; message?: unknown; hint?: unknown } =
    typeof value === "object" && value !== null ? value : {};
  const known =
    typeof reason === "string" && Object.hasOwn(problemCatalogue, reason) ? (reason as ProblemReason) : "internal";
  return new Problem(
    known,
    typeof message === "string" ? message : "the proxy refused the order",
    typeof hint === "string" ? { hint } : {},
  );
}
