import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { valuesOf } from "./support/response-reader.ts";
import { slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { exchange, get, request, WireClient } from "./support/wire-client.ts";

/** How long something took, in milliseconds. */
async function took(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work;
  return performance.now() - began;
}

/** Listens for one connection and stops itself before it takes any. */
const stoppedListener = `
  const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () =>
    process.stdout.write(String(server.address().port), () => process.kill(process.pid, "SIGSTOP")));
`;

/** A port at which connections are neither accepted nor refused: its queue is full and nobody empties it. */
async function startFullListener(): Promise<AsyncDisposable & { readonly port: number }> {
  const child = spawn(process.execPath, ["-e", stoppedListener], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await once(child.stdout, "data");
  const queued = Array.from({ length: 8 }, () => connect(Number(port), "127.0.0.1").on("error", () => undefined));
  await Promise.race(queued.map((socket) => once(socket, "connect")));
  return {
    port: Number(port),
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.destroy();
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

eachEngine((startSite) => {
  test.concurrent("RFC 6585 §5: a head beyond headerBytesMax is answered 431, one just below is served", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { headerBytesMax: 8192 } });
    const padded = (bytes: number): string => get("/", `X-Padding: ${"x".repeat(bytes)}`);
    expect((await exchange(site, padded(7000))).status).toBe(200);
    const refused = await exchange(site, padded(9000));
    expect(refused.status).toBe(431);
    expect(valuesOf(refused, "connection")).toEqual(["close"]);
    expect((await exchange(site, get(`/${"y".repeat(9000)}`))).status).toBeOneOf([414, 431]);
    expect(slot.requests).toHaveLength(1);
  });

  test.concurrent("RFC 9110 §5.4: a hundred headers and more reach the slot", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { headerBytesMax: 65_536 } });
    const lines = Array.from({ length: 3000 }, (_, index) => `X-${index}: ${index}`);
    expect((await exchange(site, get("/", ...lines))).status).toBe(200);
    expect(slot.requests[0]?.headers.filter(([name]) => /^x-\d+$/i.test(name))).toHaveLength(3000);
  });

  test.concurrent("RFC 9110 §15.5.9: a head that does not come to its end in time is answered 408, however it trickles", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { headersTimeoutMs: 400 } });
    using client = await WireClient.open(site);
    client.send("GET / HTTP/1.1\r\nHost: app.test\r\n");
    const trickle = setInterval(() => client.send("X-Slow: 1\r\n"), 50);
    const waited = await took(client.response().then(({ status }) => expect(status).toBe(408)));
    clearInterval(trickle);
    expect(waited).toBeGreaterThan(300);
    expect(waited).toBeLessThan(4000);
    expect((await exchange(site, get())).status).toBe(200);
  });

  test.concurrent("RFC 9112 §9.5: an idle connection is kept for keepAliveTimeoutMs and then closed without a word", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { keepAliveTimeoutMs: 500 } });
    using client = await WireClient.open(site);
    expect((await client.send(get()).response()).status).toBe(200);
    const waited = await took(client.end().then((rest) => expect(rest).toBe("")));
    expect(waited).toBeGreaterThan(400);
    expect(waited).toBeLessThan(5000);
  });

  test.concurrent("RFC 9110 §15.6.5: a slot that never answers is answered for with 504 after responseTimeoutMs", async () => {
    await using slot = await startScriptedSlot(() => undefined);
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { responseTimeoutMs: 300 } });
    using client = await WireClient.open(site);
    expect(
      await took(
        client
          .send(get())
          .response()
          .then(({ status }) => expect(status).toBe(504)),
      ),
    ).toBeGreaterThan(250);
    const upload = request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 3");
    expect((await exchange(site, `${upload}abc`)).status).toBe(504);
  });

  test.concurrent("RFC 9110 §15.6.5: a slot that does not accept connections is answered for after connectTimeoutMs", async () => {
    await using full = await startFullListener();
    await using site = await startSite({ slots: slotsAt(full.port), limits: { connectTimeoutMs: 400 } });
    const waited = await took(exchange(site, get()).then(({ status }) => expect(status).toBeOneOf([502, 504])));
    expect(waited).toBeGreaterThan(300);
    expect(waited).toBeLessThan(5000);
  });

  test.concurrent("RFC 9110 §15.6.5: that a slot does not accept connections is told as 504, apart from a refusal", async () => {
    await using full = await startFullListener();
    await using site = await startSite({ slots: slotsAt(full.port), limits: { connectTimeoutMs: 400 } });
    expect((await exchange(site, get())).status).toBe(504);
  });

  test.concurrent("RFC 9110 §15.6.3: a slot that refuses connections is tried until connectTimeoutMs, then answered for with 502", async () => {
    const slot = await startScriptedSlot();
    await slot[Symbol.asyncDispose]();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { connectTimeoutMs: 300 } });
    const waited = await took(exchange(site, get()).then(({ status }) => expect(status).toBe(502)));
    expect(waited).toBeGreaterThan(250);
    expect(waited).toBeLessThan(5000);
  });

  test.concurrent("RFC 9110 §15.5.9: a client that stops in the middle of its body is answered after responseTimeoutMs, and is no request for the slot", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { responseTimeoutMs: 300 } });
    const upload = request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 10");
    const answered = exchange(site, `${upload}abc`);
    const waited = await took(answered.then(({ status }) => expect(status).toBeOneOf([408, 504])));
    expect(waited).toBeGreaterThan(250);
    expect(waited).toBeLessThan(5000);
    expect(slot.requests).toEqual([]);
  });

  test.concurrent("RFC 9110 §15.5.9: that a client stops in the middle of its body is told as 408, not as want of the slot", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { responseTimeoutMs: 300 } });
    const upload = request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 10");
    expect((await exchange(site, `${upload}abc`)).status).toBe(408);
  });

  test.concurrent("RFC 9110 §15.5.9: a client that sends slowly but steadily is waited for beyond responseTimeoutMs", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { responseTimeoutMs: 400 } });
    using client = await WireClient.open(site);
    client.send(request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 12"));
    let left = 12;
    const trickle = setInterval(() => {
      client.send("x");
      left -= 1;
      if (left === 0) clearInterval(trickle);
    }, 80);
    expect((await client.response()).status).toBe(200);
    expect(slot.requests[0]?.body.length).toBe(12);
  });

  test.concurrent("no more than connectionsMax connections are served; one beyond it is closed, or waits for its turn", async () => {
    await using slot = await startScriptedSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { connectionsMax: 3 } });
    const clients: WireClient[] = [];
    for (let index = 0; index < 3; index++) {
      const client = await WireClient.open(site);
      clients.push(client);
      expect((await client.send(get()).response()).status).toBe(200);
    }
    using fourth = await WireClient.open(site);
    const beyond = fourth
      .send(get("/beyond"))
      .response()
      .then(
        ({ status }) => status,
        () => "closed",
      );
    for (const client of clients) expect((await client.send(get()).response()).status).toBe(200);
    expect(slot.requests.map(({ line }) => line)).not.toContain("GET /beyond HTTP/1.1");
    for (const client of clients) client[Symbol.dispose]();
    expect(await beyond).toBeOneOf(["closed", 200]);
  });
});
