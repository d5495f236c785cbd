import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { startSlot } from "@sluice/proxy/testing/start-slot";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { SiteUnderTest } from "./support/engine-under-test.ts";
import { slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { until } from "./support/until.ts";
import { get, request, WireClient } from "./support/wire-client.ts";

const block = Buffer.alloc(64 * 1024, "sluice moves bytes and changes none. ");
const sizes = [0, 1, 64 * 1024, 100 * 1024 * 1024];
const gigabyte = 1024 * 1024 * 1024;
/** The bytes are counted, not timed: a machine shared with others may take its time. */
const uploadMsMax = 300_000;
/** Beyond what a process holds at rest: two orders of magnitude less than what passes through it. */
const heldBytesMax = 64 * 1024 * 1024;

interface Sink {
  write(chunk: Buffer): boolean;
  once(event: "drain", listener: () => void): unknown;
  end(): unknown;
}

/** Writes `bytes` bytes as fast as they are taken, in constant memory; gives their hash. */
async function pour(bytes: number, into: Sink): Promise<string> {
  const hash = createHash("sha1");
  for (let left = bytes; left > 0; ) {
    const chunk = left >= block.length ? block : block.subarray(0, left);
    hash.update(chunk);
    left -= chunk.length;
    if (!into.write(chunk)) await new Promise<void>((resolve) => into.once("drain", resolve));
  }
  into.end();
  return hash.digest("hex");
}

/** The same without looking at the bytes, for bodies of which only the length is judged. */
async function pourCounted(bytes: number, into: Sink): Promise<void> {
  for (let left = bytes; left > 0; left -= block.length) {
    if (!into.write(block)) await new Promise<void>((resolve) => into.once("drain", resolve));
  }
  into.end();
}

async function countBytes(message: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of message) bytes += chunk.length;
  return bytes;
}

async function digest(message: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha1");
  for await (const chunk of message) hash.update(chunk);
  return hash.digest("hex");
}

eachEngine((startSite, shape) => {
  let slot: Awaited<ReturnType<typeof startSlot>>;
  let site: SiteUnderTest;

  beforeAll(async () => {
    slot = await startSlot(async (req, res) => {
      const [, kind, bytes] = (req.url ?? "").split("/");
      if (kind === "up") {
        const framing = req.headers["content-length"] ?? req.headers["transfer-encoding"] ?? "none";
        res.end(`${framing} ${await digest(req)}`);
        return;
      }
      if (kind === "count") {
        res.end(String(await countBytes(req)));
        return;
      }
      if (kind === "length") res.setHeader("Content-Length", bytes ?? "");
      await pour(Number(bytes), res);
    });
    site = await startSite({ slots: slotsAt(slot.port) });
  });

  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await slot[Symbol.asyncDispose]();
  });

  const asked = (method: string, path: string, headers: Readonly<Record<string, string>> = {}) =>
    httpRequest({
      host: "127.0.0.1",
      port: site.port,
      method,
      path,
      agent: false,
      headers: { Host: "app.test", ...headers },
    });

  const answerTo = async (req: ReturnType<typeof asked>): Promise<IncomingMessage> => {
    const [res]: IncomingMessage[] = await once(req, "response");
    if (res === undefined) throw new Error("no response");
    return res;
  };

  const uploadAndCount = async (bytes: number): Promise<void> => {
    const req = asked("POST", "/count", { "Content-Length": String(bytes) });
    const [, res] = await Promise.all([pourCounted(bytes, req), answerTo(req)]);
    expect(Buffer.concat(await res.toArray()).toString()).toBe(String(bytes));
  };

  const expected = (bytes: number): Promise<string> =>
    pour(bytes, { write: () => true, once: () => undefined, end: () => undefined });

  test.each(sizes)("RFC 9112 §6.2: a request of %i bytes with Content-Length reaches the slot whole", async (bytes) => {
    const req = asked("POST", "/up", { "Content-Length": String(bytes) });
    const [sent, res] = await Promise.all([pour(bytes, req), answerTo(req)]);
    expect(Buffer.concat(await res.toArray()).toString()).toBe(`${bytes} ${sent}`);
  });

  test.each(sizes)("RFC 9112 §7.1: a chunked request of %i bytes reaches the slot whole", async (bytes) => {
    const req = asked("POST", "/up", { "Transfer-Encoding": "chunked" });
    const [sent, res] = await Promise.all([pour(bytes, req), answerTo(req)]);
    expect(Buffer.concat(await res.toArray()).toString()).toBe(`chunked ${sent}`);
  });

  test.each(sizes)(
    "RFC 9112 §6.2: a response of %i bytes with Content-Length reaches the client whole",
    async (bytes) => {
      const req = asked("GET", `/length/${bytes}`);
      req.end();
      const res = await answerTo(req);
      expect(res.headers["content-length"]).toBe(String(bytes));
      expect(await digest(res)).toBe(await expected(bytes));
    },
  );

  test.each(sizes)("RFC 9112 §7.1: a chunked response of %i bytes reaches the client whole", async (bytes) => {
    const req = asked("GET", `/chunked/${bytes}`);
    req.end();
    const res = await answerTo(req);
    expect(res.headers["content-length"]).toBe(bytes === 0 ? "0" : undefined);
    expect(await digest(res)).toBe(await expected(bytes));
  });

  test("the first byte of a slow response arrives long before the last, however long the whole takes", async () => {
    let go: () => void = () => undefined;
    const seen = new Promise<void>((resolve) => {
      go = resolve;
    });
    await using slow = await startSlot(async (_, res) => {
      res.write("0");
      await seen;
      for (let part = 1; part < 5; part++) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        res.write(String(part));
      }
      res.end();
    });
    await using slowSite = await startSite({ slots: slotsAt(slow.port), limits: { responseTimeoutMs: 600 } });
    using client = await WireClient.open(slowSite);
    await client.send(get()).seen("\r\n0\r\n");
    go();
    expect((await client.response()).body.toString()).toBe("01234");
  });

  test("a request body reaches the slot as it comes, not when it is complete", async () => {
    let got = "";
    await using slow = await startSlot((req, res) => {
      req.setEncoding("utf8").on("data", (text: string) => {
        got += text;
      });
      req.on("end", () => res.end("ok"));
    });
    await using slowSite = await startSite({ slots: slotsAt(slow.port) });
    using client = await WireClient.open(slowSite);
    client.send(`${request("POST / HTTP/1.1", "Host: app.test", "Transfer-Encoding: chunked")}3\r\nabc\r\n`);
    await until(() => got === "abc");
    client.send("3\r\ndef\r\n0\r\n\r\n");
    expect((await client.response()).status).toBe(200);
    expect(got).toBe("abcdef");
  });

  test("RFC 9112 §9.5: a client that breaks off its upload breaks off the slot's request", async () => {
    let arrived = false;
    let broken: unknown;
    await using watched = await startSlot((req) => {
      arrived = true;
      req.on("error", (error) => {
        broken = error;
      });
      req.resume();
    });
    await using watchedSite = await startSite({ slots: slotsAt(watched.port) });
    using client = await WireClient.open(watchedSite);
    client.send(`${request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 100")}abc`);
    await until(() => arrived);
    client.socket.destroy();
    await until(() => broken !== undefined);
    await until(async () => (await watchedSite.status()).inFlight.blue === 0);
  });

  test("RFC 9112 §9.5: a client that breaks off a download breaks off the slot's response", async () => {
    let closed = false;
    await using watched = await startSlot((_, res) => {
      res.on("close", () => {
        closed = true;
      });
      void pour(50_000_000, res).catch(() => undefined);
    });
    await using watchedSite = await startSite({ slots: slotsAt(watched.port) });
    using client = await WireClient.open(watchedSite);
    await client.send(get()).seen("sluice");
    client.socket.destroy();
    await until(() => closed);
    await until(async () => (await watchedSite.status()).inFlight.blue === 0);
  });

  test("RFC 9112 §9.5: an answer that comes while the client still sends reaches it", async () => {
    await using early = await startScriptedSlot(() => undefined, {
      early: (_, socket) => {
        socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge");
      },
    });
    await using earlySite = await startSite({ slots: slotsAt(early.port) });
    using client = await WireClient.open(earlySite);
    client.send(request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 5000000"));
    let sent = 0;
    const upload = setInterval(() => {
      if (client.socket.writable) client.send(block);
      sent += 1;
      if (sent === 70) clearInterval(upload);
    }, 2);
    const answer = await client.response();
    clearInterval(upload);
    expect([answer.status, answer.body.toString()]).toEqual([413, "large"]);
  });

  test("a client that never reads takes bounded memory, and others are served meanwhile", async () => {
    const readers: WireClient[] = [];
    const before = await site.residentBytes();
    for (let index = 0; index < 10; index++) {
      const client = await WireClient.open(site);
      client.socket.pause();
      client.send(get(`/length/${100 * 1024 * 1024}`));
      readers.push(client);
    }
    await until(async () => (await site.status()).inFlight.blue === 10);
    for (let round = 0; round < 20; round++) {
      using other = await WireClient.open(site);
      expect((await other.send(get("/length/10")).response()).status).toBe(200);
    }
    expect((await site.residentBytes()) - before).toBeLessThan(100 * 1024 * 1024);
    for (const client of readers) client[Symbol.dispose]();
    await until(async () => (await site.status()).inFlight.blue === 0);
  });

  test.runIf(shape === "own-port")(
    "an upload of a gigabyte passes in constant memory",
    async () => {
      // What a process takes for a long body: one that is eight times as long may not take more.
      const first = await mostHeldDuring(() => uploadAndCount(gigabyte / 8));
      expect((await mostHeldDuring(() => uploadAndCount(gigabyte))) - first).toBeLessThan(heldBytesMax);
    },
    uploadMsMax,
  );

  async function mostHeldDuring(work: () => Promise<unknown>): Promise<number> {
    let most = await site.residentBytes();
    const sampler = setInterval(async () => {
      most = Math.max(most, await site.residentBytes().catch(() => 0));
    }, 50);
    await work();
    clearInterval(sampler);
    return Math.max(most, await site.residentBytes());
  }

  test("a slot that never reads takes bounded memory", async () => {
    await using deaf = await startScriptedSlot(() => undefined, { early: (_, socket) => void socket.pause() });
    await using deafSite = await startSite({ slots: slotsAt(deaf.port), limits: { responseTimeoutMs: 1500 } });
    const before = await deafSite.residentBytes();
    using client = await WireClient.open(deafSite);
    client.send(request("POST / HTTP/1.1", "Host: app.test", `Content-Length: ${100 * 1024 * 1024}`));
    for (let part = 0; part < 1600; part++) client.send(block);
    const outcome = await client.response().then(
      ({ status }) => status,
      () => "cut",
    );
    expect(outcome).toBeOneOf([504, "cut"]);
    expect((await deafSite.residentBytes()) - before).toBeLessThan(heldBytesMax);
  });
});
