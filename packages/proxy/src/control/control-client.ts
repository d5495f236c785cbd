import { request } from "node:http";
import { Problem, type ProblemReason, problemCatalogue } from "@sluice/core/problems/problem";
import type { SlotTable } from "@sluice/core/proxying/proxy-settings";
import type { ProxyCounts } from "../counting/proxy-counters.ts";
import type { DrainOrder, ProxyStatus } from "./control-messages.ts";

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

/** Talks to the process behind `control.sock`; opens a connection for each call and holds nothing. */
export function openProxyControl(socketPath: string): ProxyControl {
  return {
    status: () => ask<ProxyStatus>(socketPath, "GET", "/status"),
    putSlots: (table) => ask<ProxyStatus>(socketPath, "PUT", "/slots", table),
    accept: () => ask<ProxyStatus>(socketPath, "POST", "/accept", {}),
    drain: (order) => ask<ProxyStatus>(socketPath, "POST", "/drain", order),
    counters: () => ask<ProxyCounts>(socketPath, "GET", "/counters"),
  };
}

function ask<Answer>(socketPath: string, method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const unreachable = (cause: Error): void => {
      reject(new Problem("proxy-unreachable", `cannot reach the proxy at ${socketPath}`, { cause }));
    };
    const req = request(
      { socketPath, method, path, agent: false, timeout: answerTimeoutMs, headers: { Host: "proxy" } },
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
    req.on("timeout", () => req.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)));
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
