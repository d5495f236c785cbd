import { connect } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ask } from "../testing/ask.ts";
import { startRawSlot } from "../testing/start-slot.ts";
import { startTestSite } from "../testing/start-test-site.ts";

const line = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "Host: app.test",
      "Content-Length: 3",
      "Transfer-Encoding: chunked",
      "Connection: close",
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "Host: a@b",
      "Host: app.test\0",
      "Connection: x-forwarded-for, host",
      "Upgrade: websocket",
      "Expect: 100-continue",
      "X_Forwarded_For: 6.6.6.6",
      " folded",
      "Content-Length: -1",
      ": x",
      "Transfer-Encoding: identity",
      "Trailer: host",
      "Content-Length: 3, 3",
    ),
  },
  fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 })).map(([name, value]) => `${name}: ${value}`),
);
const requestLine = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      "GET / HTTP/1.1",
      "POST /x HTTP/1.1",
      "HEAD / HTTP/1.0",
      "GET http://app.test/ HTTP/1.1",
    ),
  },
  fc.constantFrom(
    "GET /#x HTTP/1.1",
    "GET / HTTP/2.0",
    "GET  / HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "CONNECT app.test:80 HTTP/1.1",
    "GET http://evil/ HTTP/1.1",
  ),
  fc.string({ maxLength: 20 }),
);
const lineEnd = fc.oneof({ weight: 9, arbitrary: fc.constant("\r\n") }, fc.constantFrom("\n", "\r", "\r\r\n"));
const body = fc.oneof(
  fc.constantFrom("", "abc", "3\r\nabc\r\n0\r\n\r\n", "0\r\nHost: evil\r\n\r\n", "ffffffffff\r\n"),
  fc.string({ maxLength: 20 }),
);
const host = fc.oneof(
  { weight: 6, arbitrary: fc.constant(["Host: app.test"]) },
  fc.constantFrom([], ["Host: app.test", "host: app.test"]),
);
const message = fc
  .tuple(requestLine, host, fc.array(line, { maxLength: 3 }), lineEnd, body)
  .map(([first, hosts, lines, end, rest]) => `${[first, ...hosts, ...lines].join(end)}${end}${end}${rest}`);

/** A head as a slot must get it: one request line, one Host of ours, our own client address, nothing twice that frames. */
function checkHead(head: string): void {
  const [first, ...fields] = head.split("\r\n");
  expect(first).toMatch(/^[A-Z-]+ (?:\/[^#\s]*|\*) HTTP\/1\.1$/);
  for (const field of fields) expect(field).toMatch(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*$/);
  const named = (name: string) => fields.filter((field) => field.toLowerCase().startsWith(`${name}:`));
  expect(named("host")).toEqual(["Host: app.test"]);
  expect(named("x-forwarded-for")).toEqual(["X-Forwarded-For: 127.0.0.1"]);
  expect(named("x_forwarded_for")).toEqual([]);
  expect(named("content-length").length + named("transfer-encoding").length).toBeLessThanOrEqual(1);
}

test("no bytes crash the proxy, and whatever reaches the slot is one well-formed request", {
  timeout: 60_000,
}, async () => {
  const heads: string[] = [];
  await using slot = await startRawSlot((socket) => {
    let got = "";
    socket.on("data", (data) => {
      got += data.toString("latin1");
      const end = got.indexOf("\r\n\r\n");
      if (end === -1) return;
      heads.push(got.slice(0, end));
      got = "";
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    });
  });
  await using site = await startTestSite({ blue: slot.port, limits: { responseTimeoutMs: 500 as never } });
  await fc.assert(
    fc.asyncProperty(message, async (bytes) => {
      await sendAndLeave(site.port, bytes);
    }),
    { numRuns: 400 },
  );
  expect(heads.length).toBeGreaterThan(10);
  for (const head of heads) checkHead(head);
  expect((await ask({ port: site.port })).body).toBe("ok");
});

/** Says its bytes and leaves when it was answered, or soon when it is not: its message may want more bytes than it has. */
function sendAndLeave(port: number, bytes: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.from(bytes, "latin1")));
    const patience = setTimeout(() => socket.destroy(), 30);
    socket.on("error", () => undefined);
    socket.once("data", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(patience);
      resolve();
    });
  });
}
