import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { LoadTarget } from "./ask-once.ts";
import type { LoadReport } from "./load-report.ts";
import { startLoad } from "./start-load.ts";

interface Seen {
  readonly method: string;
  readonly bytes: number;
  readonly isClosing: boolean;
  readonly connection: Socket;
}

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer, index: number) => void;

const good: Handler = (request, response, body) => {
  response.setHeader("x-sample-host", "web-1");
  response.end(request.method === "POST" ? body : "Welcome to the Shop");
};

/** Runs a load against a server until it has seen `requests` of them, then stops it. */
async function loadAgainst(
  handler: Handler,
  requests: number,
  target: Partial<LoadTarget> = {},
  timeoutMs = 5000,
): Promise<{ readonly report: LoadReport; readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = "", headers, socket } = request;
    seen.push({ method, bytes: body.length, isClosing: headers.connection === "close", connection: socket });
    handler(request, response, body, seen.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const load = startLoad({
      targets: [{ origin, hostName: "shop.internal", way: "listener", contains: "Shop", ...target }],
      requestsPerSecond: 400,
      timeoutMs,
    });
    while (seen.length < requests) await delay(5);
    return { report: await load.stop(), seen };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

test("a server that answers right has no failures, and every request is counted once", async () => {
  const { report, seen } = await loadAgainst(good, 100);
  expect(report.failed).toBe(0);
  expect(report.sent).toBe(seen.length);
  expect(report.ok).toBe(report.sent);
  expect(report.byHost).toEqual({ "web-1": { sent: report.sent, failed: 0 } });
});

test("half of the requests come on a connection of their own, and three of ten are a POST of 512 bytes", async () => {
  const { report, seen } = await loadAgainst(good, 200);
  const fresh = seen.filter((request) => request.isClosing);
  expect(fresh).toHaveLength(Math.floor(report.sent / 2));
  expect(new Set(fresh.map((request) => request.connection)).size).toBe(fresh.length);
  const posts = seen.filter((request) => request.method === "POST");
  const indices = Array.from({ length: report.sent }, (_, index) => index % 10);
  expect(posts).toHaveLength(indices.filter((index) => [2, 5, 8].includes(index)).length);
  expect(posts.every((request) => request.bytes === 512)).toBe(true);
});

test("every seventh answer is a 500: exactly these are failures, on the host that said so", async () => {
  let wrong = 0;
  const { report } = await loadAgainst((request, response, body, index) => {
    if (index % 7 === 6) {
      wrong += 1;
      response.statusCode = 500;
    }
    good(request, response, body, index);
  }, 100);
  expect(wrong).toBeGreaterThan(10);
  expect(report.failed).toBe(wrong);
  expect(report.ok).toBe(report.sent - wrong);
  expect(report.failures).toEqual([{ host: "web-1", way: "listener", reason: "answered 500", count: wrong }]);
  expect(report.byHost).toEqual({ "web-1": { sent: report.sent, failed: wrong } });
});

test("a body that comes back changed is a failure, as is another page", async () => {
  let posts = 0;
  let pages = 0;
  const { report } = await loadAgainst((request, response, body) => {
    if (request.method === "POST") posts += 1;
    else pages += 1;
    response.end(request.method === "POST" ? body.subarray(1) : "Welcome to the Blog");
  }, 60);
  expect(report.ok).toBe(0);
  expect(Object.fromEntries(report.failures.map(({ reason, count }) => [reason, count]))).toEqual({
    "answered 200 with another body": posts,
    "answered 200 with another page": pages,
  });
});

test("a connection that is cut in the middle of an answer is a failure, and nothing is sent again", async () => {
  let cut = 0;
  const { report, seen } = await loadAgainst((request, response, body, index) => {
    if (index % 5 !== 4) {
      good(request, response, body, index);
      return;
    }
    cut += 1;
    response.writeHead(200, { "content-length": 1000 });
    response.write("Shop", () => response.destroy());
  }, 60);
  expect(report.failed).toBe(cut);
  expect(report.sent).toBe(seen.length);
  expect(report.failures.every(({ reason }) => reason.startsWith("connection failed: "))).toBe(true);
});

test("a request without an answer in time is a failure", async () => {
  let silent = 0;
  const { report } = await loadAgainst(
    (request, response, body, index) => {
      if (index % 10 === 3) silent += 1;
      else good(request, response, body, index);
    },
    40,
    {},
    1500,
  );
  expect(silent).toBeGreaterThan(2);
  expect(report.failures).toEqual([{ host: "unknown", way: "listener", reason: "no answer in time", count: silent }]);
});

test("a port on which nobody listens fails every request, on the host it was sent to", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const load = startLoad({
    targets: [
      { origin: `http://127.0.0.1:${port}`, hostName: "shop", way: "listener", contains: "Shop", host: "at-1" },
    ],
    requestsPerSecond: 200,
  });
  while (load.report().failed < 10) await delay(5);
  const report = await load.stop();
  expect(report.failed).toBe(report.sent);
  expect(report.failures).toEqual([
    { host: "at-1", way: "listener", reason: "connection failed: ECONNREFUSED", count: report.sent },
  ]);
});
