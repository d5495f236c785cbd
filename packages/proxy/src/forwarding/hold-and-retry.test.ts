import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { ask, until } from "../testing/ask.ts";
import { startRawSlot, startSlot } from "../testing/start-slot.ts";
import { slotsOf, startTestSite } from "../testing/start-test-site.ts";

test("requests are held while no slot is live and go on as soon as one is, bodies included", async () => {
  await using slot = await startSlot((req, res) => {
    let body = "";
    req.on("data", (data) => {
      body += data;
    });
    req.on("end", () => res.end(`${req.method} ${body}`));
  });
  await using site = await startTestSite({});
  const answers = [ask({ port: site.port }), ask({ port: site.port, method: "POST", body: "hello" })];
  await until(() => site.forwarder.held === 2);
  site.router.put(slotsOf(slot.port));
  site.forwarder.retryHeld();
  expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(["GET ", "POST hello"]);
  expect(site.forwarder.held).toBe(0);
});

test("a request is held no longer than the limit, then answered 503 with Retry-After", async () => {
  await using site = await startTestSite({ limits: { holdMs: 120 as never } });
  const began = performance.now();
  const answer = await ask({ port: site.port });
  expect(answer.status).toBe(503);
  expect(answer.headers["retry-after"]).toBe("5");
  expect(performance.now() - began).toBeGreaterThan(115);
});

test("the body of a held request is not read", async () => {
  await using site = await startTestSite({});
  const socket = connect(site.port, "127.0.0.1");
  socket.write(`POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: ${1e9}\r\n\r\n`);
  const chunk = Buffer.alloc(1024 * 1024);
  let taken = 0;
  const pump = (): void => {
    socket.write(chunk, (error) => {
      if (error) return;
      taken += chunk.length;
      pump();
    });
  };
  pump();
  await until(() => site.forwarder.held === 1);
  let last = -1;
  let since = performance.now();
  await until(() => {
    if (taken !== last) since = performance.now();
    last = taken;
    return performance.now() - since > 250;
  });
  expect(taken).toBeLessThan(32 * 1024 * 1024);
  socket.destroy();
});

test("a client that goes away while it is held is forgotten", async () => {
  await using site = await startTestSite({});
  const socket = connect(site.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"));
  await until(() => site.forwarder.held === 1);
  socket.destroy();
  await until(() => site.forwarder.held === 0);
});

test.each(["GET", "POST"])("a %s meets no error while its slot is being restarted", async (method) => {
  await using first = await startSlot((_, res) => res.end("before"));
  const { port } = first;
  await using site = await startTestSite({ blue: port });
  first.server.close();
  first.server.closeAllConnections();
  const answer = ask({ port: site.port, method, ...(method === "POST" && { body: "x" }) });
  await until(() => site.router.inFlight().blue === 0 || site.clients.connections.size > 0);
  const second = createServer((_, res) => res.end("after"));
  await new Promise<void>((resolve) => second.listen(port, "127.0.0.1", resolve));
  expect((await answer).body).toBe("after");
  second.close();
  second.closeAllConnections();
});

test("a slot that can't be reached is answered 502 when the time for it is over", async () => {
  await using gone = await startSlot(() => undefined);
  await using site = await startTestSite({ blue: gone.port, limits: { connectTimeoutMs: 100 as never } });
  gone.server.close();
  expect((await ask({ port: site.port })).status).toBe(502);
});

test("a request that waits for its slot goes to the other one when that becomes live", async () => {
  await using gone = await startSlot(() => undefined);
  await using green = await startSlot((_, res) => res.end("green"));
  await using site = await startTestSite({ blue: gone.port });
  await gone[Symbol.asyncDispose]();
  const answer = ask({ port: site.port, method: "POST", body: "x" });
  await until(() => site.clients.connections.size === 1);
  site.router.put({ live: "green", green: { host: "127.0.0.1", port: green.port, release: "sha256:g" } });
  expect((await answer).body).toBe("green");
});

/** Answers once a connection and closes it at the second request without a byte. */
async function startForgetfulSlot(seen: string[]) {
  return startRawSlot((socket) => {
    let answered = false;
    socket.on("data", (data) => {
      seen.push(`${data.toString("latin1").split(" ")[0]} ${answered ? "reused" : "fresh"}`);
      if (answered) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      answered = true;
    });
  });
}

test("a GET whose reused connection closes without a byte is sent again on a fresh one", async () => {
  const seen: string[] = [];
  await using slot = await startForgetfulSlot(seen);
  await using site = await startTestSite({ blue: slot.port });
  expect((await ask({ port: site.port })).status).toBe(200);
  expect((await ask({ port: site.port })).status).toBe(200);
  expect(seen).toEqual(["GET fresh", "GET reused", "GET fresh"]);
});

test("what may not be sent twice never goes over a connection that was used before", async () => {
  const seen: string[] = [];
  await using slot = await startForgetfulSlot(seen);
  await using site = await startTestSite({ blue: slot.port });
  expect((await ask({ port: site.port })).status).toBe(200);
  expect((await ask({ port: site.port, method: "POST" })).status).toBe(200);
  expect((await ask({ port: site.port, method: "PUT", headers: { "Content-Length": 0 } })).status).toBe(200);
  expect(seen).toEqual(["GET fresh", "POST fresh", "PUT reused", "PUT fresh"]);
});

test("what may not be sent twice goes over a used connection once its slot was seen to leave idle ones alone", async () => {
  const seen: string[] = [];
  await using slot = await startRawSlot((socket) => {
    let use = "fresh";
    socket.on("data", (data) => {
      seen.push(`${data.toString("latin1").split(" ")[0]} ${use}`);
      use = "used";
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  await using site = await startTestSite({ blue: slot.port });
  const inQuickSuccession = async (): Promise<boolean> => {
    await Promise.all([ask({ port: site.port }), ask({ port: site.port })]);
    await ask({ port: site.port, method: "POST" });
    return seen.includes("POST used");
  };
  const began = performance.now();
  await until(inQuickSuccession);
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(seen).toContain("POST fresh");
});

test("a slot that was seen to close an idle connection gets what may not be sent twice on fresh ones again", async () => {
  const seen: string[] = [];
  const idle = new Set<Socket>();
  await using slot = await startRawSlot((socket) => {
    let use = "fresh";
    idle.add(socket);
    // The pool closes what is more than it keeps.
    socket.on("close", () => idle.delete(socket));
    socket.on("data", (data) => {
      seen.push(`${data.toString("latin1").split(" ")[0]} ${use}`);
      use = "used";
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  await using site = await startTestSite({ blue: slot.port });
  const pair = () => Promise.all([ask({ port: site.port }), ask({ port: site.port })]);
  await until(async () => {
    await pair();
    await ask({ port: site.port, method: "POST" });
    return seen.includes("POST used");
  });
  await pair();
  const closed = Promise.all([...idle].map((socket) => once(socket, "close")));
  for (const socket of idle) socket.destroy();
  await closed;
  seen.length = 0;
  await pair();
  await ask({ port: site.port, method: "POST" });
  expect(seen.filter((each) => each.startsWith("POST"))).toEqual(["POST fresh"]);
});

test("a request that the slot may have carried out is not sent again", async () => {
  let requests = 0;
  await using slot = await startRawSlot((socket) => {
    socket.on("data", () => {
      requests += 1;
      socket.destroy();
    });
  });
  await using site = await startTestSite({ blue: slot.port });
  expect((await ask({ port: site.port, method: "POST" })).status).toBe(502);
  expect((await ask({ port: site.port })).status).toBe(502);
  expect(requests).toBe(2);
});
