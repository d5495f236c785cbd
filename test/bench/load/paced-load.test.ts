import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type PacedReport, startPacedLoad } from "./paced-load.ts";

/** Runs a load until the server has seen so many requests; `answer` says what becomes of the n-th. */
async function loadUntil(
  requests: number,
  answer: (index: number, socket: Socket) => "right" | "wrong" | "cut",
): Promise<{ readonly report: PacedReport; readonly seen: readonly Socket[] }> {
  const seen: Socket[] = [];
  const enough = Promise.withResolvers<void>();
  const server = createServer((asked, response) => {
    const outcome = answer(seen.length, asked.socket);
    seen.push(asked.socket);
    if (seen.length === requests) enough.resolve();
    asked.resume();
    if (outcome === "cut") return void asked.socket.destroy();
    response.writeHead(outcome === "right" ? 200 : 503).end("blue");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const load = await startPacedLoad({ targets: [{ port, hostName: "localhost" }], requestsPerSecond: 400, clients: 8 });
  await enough.promise;
  const report = await load.stop();
  server.closeAllConnections();
  return { report, seen };
}

test("every request is sent once and counted once, half of them on a connection of their own", async () => {
  const { report, seen } = await loadUntil(100, () => "right");
  expect(report).toMatchObject({ sent: seen.length, failed: 0, failures: {} });
  expect(new Set(seen).size).toBe(Math.floor(report.sent / 2) + 4);
});

test("a wrong status is a failure of its kind, and nothing is asked again", async () => {
  let wrong = 0;
  const { report, seen } = await loadUntil(60, (index) => (index % 6 === 0 && ++wrong > 0 ? "wrong" : "right"));
  expect(report).toMatchObject({ sent: seen.length, failed: wrong });
  expect(Object.keys(report.failures).every((kind) => kind.endsWith(": answered 503"))).toBe(true);
});

test("a kept connection that is cut under a request is a failure, and nothing is asked again", async () => {
  let cut = 0;
  const used = new Set<Socket>();
  const { report, seen } = await loadUntil(100, (_, socket) => {
    if (used.has(socket)) {
      cut += 1;
      return "cut";
    }
    used.add(socket);
    return "right";
  });
  expect(cut).toBeGreaterThan(5);
  expect(report).toMatchObject({ sent: seen.length, failed: cut });
  expect(Object.keys(report.failures).every((kind) => kind.includes("kept connection: ECONNRESET"))).toBe(true);
});
