import { type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { ask, sendRaw, until } from "../testing/ask.ts";
import { startRawSlot, startSlot } from "../testing/start-slot.ts";
import { startTestSite } from "../testing/start-test-site.ts";

const megabyte = 1024 * 1024;

test("an upload whose slot does not read stops at the client, in bounded memory, and then arrives whole", async () => {
  const total = 256 * megabyte;
  let received = 0;
  let slotRequest: IncomingMessage | undefined;
  await using slot = await startSlot((req, res) => {
    slotRequest = req;
    req.pause();
    req.on("end", () => res.end(String(received)));
  });
  await using site = await startTestSite({ blue: slot.port });
  const chunk = Buffer.alloc(megabyte, "x");
  let written = 0;
  const req = request({ port: site.port, host: "127.0.0.1", method: "POST", headers: { Host: "app.test" } });
  const answer = new Promise<string>((resolve, reject) => {
    req.on("error", reject);
    req.on("response", (res) => {
      let body = "";
      res.on("data", (data) => {
        body += data;
      });
      res.on("end", () => resolve(body));
    });
  });
  const pump = (): void => {
    while (written < total) {
      written += chunk.length;
      if (!req.write(chunk)) {
        req.once("drain", pump);
        return;
      }
    }
    req.end();
  };
  pump();
  await until(() => slotRequest !== undefined);
  await settled(() => written);
  expect(written).toBeLessThan(64 * megabyte);
  let underWayMax = 0;
  slotRequest?.on("data", (data: Buffer) => {
    received += data.length;
    underWayMax = Math.max(underWayMax, written - received);
  });
  slotRequest?.resume();
  expect(await answer).toBe(String(total));
  expect(underWayMax).toBeLessThan(64 * megabyte);
});

test("a download whose client does not read stops at the slot and then arrives whole", async () => {
  const total = 256 * megabyte;
  const chunk = Buffer.alloc(megabyte, "x");
  let written = 0;
  await using slot = await startSlot((_, res) => {
    res.writeHead(200, { "Content-Length": total });
    const pump = (): void => {
      while (written < total) {
        written += chunk.length;
        if (!res.write(chunk)) {
          res.once("drain", pump);
          return;
        }
      }
      res.end();
    };
    pump();
  });
  await using site = await startTestSite({ blue: slot.port });
  const res = await respond({ port: site.port, headers: { Host: "app.test" } });
  await settled(() => written);
  expect(written).toBeLessThan(64 * megabyte);
  let received = 0;
  for await (const data of res) received += data.length;
  expect(received).toBe(total);
});

/** Resolves when a number stays as it is for a quarter of a second. */
async function settled(read: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await until(() => {
    const now = read();
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since > 250;
  });
}

function respond(options: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", ...options })
      .on("response", resolve)
      .on("error", reject)
      .end();
  });
}

test("HEAD, 204 and 304 have no body, and the connection goes on", async () => {
  await using slot = await startSlot((req, res) => {
    if (req.method === "HEAD") res.writeHead(200, { "Content-Length": 5 }).end();
    else res.writeHead(Number(req.url?.slice(1)), { ETag: '"x"' }).end();
  });
  await using site = await startTestSite({ blue: slot.port });
  const host = "Host: app.test\r\n";
  const answers = await sendRaw(
    site.port,
    `HEAD / HTTP/1.1\r\n${host}\r\nGET /204 HTTP/1.1\r\n${host}\r\nGET /304 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  );
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 204", "HTTP/1.1 304"]);
  expect(answers).toContain("Content-Length: 5");
});

test("trailers travel both ways", async () => {
  await using slot = await startSlot((req, res) => {
    req.resume().on("end", () => {
      res.writeHead(200, { Trailer: "X-Sum" });
      res.write("body ");
      res.addTrailers({ "X-Sum": `of ${req.trailers["x-check"]}, spoofed ${req.trailers["x-forwarded-for"]}` });
      res.end(String(req.headers.te));
    });
  });
  await using site = await startTestSite({ blue: slot.port });
  const answer = await sendRaw(
    site.port,
    "POST / HTTP/1.1\r\nHost: app.test\r\nTE: trailers\r\nConnection: TE, close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Check\r\n\r\n3\r\nabc\r\n0\r\nX-Check: 42\r\nX-Forwarded-For: evil\r\n\r\n",
  );
  expect(answer).toMatch(/body[\s\S]*trailers\r\n0\r\nX-Sum: of 42, spoofed undefined\r\n\r\n$/);
});

test("the slot decides about 100-continue, and the client hears it once", async () => {
  await using slot = await startSlot(() => undefined);
  slot.server.on("checkContinue", (req, res) => {
    if (req.url === "/no") {
      res.writeHead(417, { Connection: "close" }).end("no");
      return;
    }
    res.writeContinue();
    req.resume().on("end", () => res.end("taken"));
  });
  await using site = await startTestSite({ blue: slot.port });
  const taken = await talkContinue(site.port, "/yes");
  expect(taken.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 100", "HTTP/1.1 200"]);
  const refused = await talkContinue(site.port, "/no");
  expect(refused).toMatch(/^HTTP\/1\.1 417 [\s\S]*Connection: close/);
});

/** Sends the body only when told to continue. */
function talkContinue(port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: app.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`,
      );
    });
    socket.on("data", (data) => {
      const first = !got.includes("100 Continue");
      got += data.toString("latin1");
      if (first && got.includes("100 Continue")) socket.write("hello");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(got));
  });
}

test("early hints are passed on", async () => {
  await using slot = await startSlot((_, res) => {
    res.writeEarlyHints({ link: "</style.css>; rel=preload" });
    res.end("done");
  });
  await using site = await startTestSite({ blue: slot.port });
  const answer = await sendRaw(site.port, "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200/i);
});

test("a client that goes away takes its request to the slot with it", async () => {
  let closed = false;
  let begun = false;
  await using slot = await startSlot((req) => {
    begun = true;
    req.on("close", () => {
      closed = true;
    });
  });
  await using site = await startTestSite({ blue: slot.port });
  const socket = connect(site.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"));
  await until(() => begun);
  socket.destroy();
  await until(() => closed);
  await until(() => site.router.inFlight().blue === 0);
  expect(site.counters.read().bindings[0]?.users.outcomes.aborted).toBe(1);
});

test.each([
  ["a length", "Content-Length: 100\r\n\r\nonly this"],
  ["chunks", "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n"],
])("a body with %s that breaks off breaks off at the client too", async (_, rest) => {
  await using slot = await startRawSlot((socket) => {
    socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
  });
  await using site = await startTestSite({ blue: slot.port });
  await expect(ask({ port: site.port })).rejects.toThrow();
  expect(site.router.inFlight().blue).toBe(0);
});

test("a body that ends with its connection is whole", async () => {
  await using slot = await startRawSlot((socket) => {
    socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\n\r\nall of it"));
  });
  await using site = await startTestSite({ blue: slot.port });
  expect(await ask({ port: site.port })).toMatchObject({ status: 200, body: "all of it" });
});

test("an answer that comes before the upload is over reaches the client, and its connection goes on", async () => {
  await using slot = await startSlot((_, res) => res.writeHead(413).end("too much"));
  await using site = await startTestSite({ blue: slot.port });
  const socket = connect(site.port, "127.0.0.1");
  let got = "";
  socket.on("data", (data) => {
    got += data.toString("latin1");
  });
  socket.write("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\n\r\nhello");
  await until(() => got.includes("too much"));
  socket.write("worldGET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
  await until(() => got.split("HTTP/1.1 413").length === 3);
  socket.destroy();
});

test.each([
  ["garbage", "hello\r\n\r\n"],
  ["a head without end", "HTTP/1.1 200 OK\r\nX: 1\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  ["length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
  ["an upgrade nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
  ["nothing", ""],
])("a slot that answers %s is answered 502", async (_, bytes) => {
  await using slot = await startRawSlot((socket) => {
    socket.once("data", () => socket.end(bytes, "latin1"));
  });
  await using site = await startTestSite({ blue: slot.port });
  expect((await ask({ port: site.port })).status).toBe(502);
});

test("a slot that stays silent is answered 504", async () => {
  await using slot = await startSlot(() => undefined);
  await using site = await startTestSite({ blue: slot.port, limits: { responseTimeoutMs: 100 as never } });
  expect((await ask({ port: site.port })).status).toBe(504);
});

test("bytes that arrive one by one are read as they should", async () => {
  const whole =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-T: u\r\n\r\n";
  await using slot = await startRawSlot((socket) => {
    socket.setNoDelay(true);
    socket.once("data", () => void drip(socket, whole));
  });
  await using site = await startTestSite({ blue: slot.port });
  const answer = await ask({ port: site.port });
  expect(answer).toMatchObject({ status: 200, body: "abcde", trailers: { "x-t": "u" } });
});

async function drip(socket: Socket, text: string): Promise<void> {
  for (const character of text) {
    socket.write(character, "latin1");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
