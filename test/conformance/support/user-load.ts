import { Agent, request } from "node:http";
import { Client } from "undici";

export interface LoadResult {
  readonly sent: number;
  /** What went wrong, a sentence each; empty when every request was answered 200. */
  readonly failures: readonly string[];
  /** How often each body came back. */
  readonly bodies: ReadonlyMap<string, number>;
}

interface LoadOptions {
  readonly port: number;
  /** Clients that keep their connection, clients that don't, and one of undici beside them. */
  readonly clients?: number;
  /** Pause of a client between two requests. */
  readonly pauseMs?: number;
}

/** Users who send one request after the other, every third a POST, until they are stopped. */
export function startUserLoad({ port, clients = 6, pauseMs = 0 }: LoadOptions): {
  sent(): number;
  stop(): Promise<LoadResult>;
} {
  const agents = Array.from({ length: clients }, (_, index) =>
    index % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : false,
  );
  const other = new Client(`http://127.0.0.1:${port}`);
  const failures: string[] = [];
  const bodies = new Map<string, number>();
  let sent = 0;
  let stopped = false;
  const one = async (ask: (method: string) => Promise<{ status: number; body: string }>): Promise<void> => {
    while (!stopped) {
      sent += 1;
      const method = sent % 3 === 0 ? "POST" : "GET";
      try {
        const { status, body } = await ask(method);
        bodies.set(body, (bodies.get(body) ?? 0) + 1);
        if (status !== 200) failures.push(`${method} was answered ${status}: ${body}`);
      } catch (error) {
        failures.push(`${method} failed: ${String(error)}`);
      }
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const users = [
    ...agents.map((agent) => one((method) => askNode(port, method, agent))),
    one((method) => askUndici(other, method)),
  ];
  return {
    sent: () => sent,
    async stop() {
      stopped = true;
      await Promise.all(users);
      for (const agent of agents) if (agent !== false) agent.destroy();
      await other.destroy();
      return { sent, failures, bodies };
    },
  };
}

function askNode(port: number, method: string, agent: Agent | false): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request({ host: "127.0.0.1", port, method, agent, headers: { Host: "app.test" } }, (res) => {
      let body = "";
      res.setEncoding("latin1").on("data", (text: string) => {
        body += text;
      });
      res.on("error", reject);
      res.on("end", () => resolve({ status: res.statusCode ?? 0, body }));
    });
    req.on("error", reject);
    req.end(method === "POST" ? "x".repeat(512) : undefined);
  });
}

async function askUndici(client: Client, method: string): Promise<{ status: number; body: string }> {
  const { statusCode, body } = await client.request({
    path: "/",
    method: method === "POST" ? "POST" : "GET",
    headers: { host: "app.test" },
    ...(method === "POST" && { body: "x".repeat(512) }),
  });
  return { status: statusCode, body: await body.text() };
}
