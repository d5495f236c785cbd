import { Agent, request } from "node:http";

export interface Load {
  /** Stops and says how it went. */
  stop(): Promise<{
    readonly sent: number;
    readonly failures: readonly string[];
    readonly bodies: ReadonlyMap<string, number>;
  }>;
  sent(): number;
}

/** Sends requests without a pause from several clients: every other one keeps its connection, every third is a POST. */
export function startLoad(port: number, headers: Readonly<Record<string, string>> = {}): Load {
  const keepAlive = new Agent({ keepAlive: true });
  const failures: string[] = [];
  const bodies = new Map<string, number>();
  let sent = 0;
  let stopped = false;
  const one = async (client: number): Promise<void> => {
    while (!stopped) {
      sent += 1;
      const method = sent % 3 === 0 ? "POST" : "GET";
      const agent = client % 2 === 0 ? keepAlive : false;
      try {
        const { status, body } = await send(method, agent);
        bodies.set(body, (bodies.get(body) ?? 0) + 1);
        if (status !== 200) failures.push(`${method} ${status} ${body}`);
      } catch (error) {
        failures.push(`${method} ${agent === false ? "fresh" : "kept"} ${String(error)}`);
      }
    }
  };
  const send = (method: string, agent: Agent | false): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const req = request(
        { host: "127.0.0.1", port, method, agent, headers: { Host: "app.test", ...headers } },
        (res) => {
          let body = "";
          res.on("data", (data) => {
            body += data;
          });
          res.on("error", reject);
          res.on("end", () => resolve({ status: res.statusCode ?? 0, body }));
        },
      );
      req.on("error", reject);
      req.end(method === "POST" ? "x".repeat(512) : undefined);
    });
  const clients = Array.from({ length: 8 }, (_, client) => one(client));
  return {
    sent: () => sent,
    async stop() {
      stopped = true;
      await Promise.all(clients);
      keepAlive.destroy();
      return { sent, failures, bodies };
    },
  };
}
