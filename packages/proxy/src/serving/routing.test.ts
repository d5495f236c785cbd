import { connect } from "node:net";
import { expect, test } from "vitest";
import { ask, sendRaw } from "../testing/ask.ts";
import { startSlot } from "../testing/start-slot.ts";
import { probeToken, startTestSite } from "../testing/start-test-site.ts";

function echoHeaders() {
  return startSlot((req, res) => res.end(JSON.stringify(req.rawHeaders)));
}

test("a request reaches the live slot with the headers only a proxy may say", async () => {
  await using slot = await echoHeaders();
  await using site = await startTestSite({ blue: slot.port });
  const answer = await ask({
    port: site.port,
    headers: { Host: "APP.test:8080", "X-Forwarded-For": "6.6.6.6", X_Real_IP: "6.6.6.6" },
  });
  const headers: string[] = JSON.parse(answer.body);
  expect(answer.status).toBe(200);
  expect(headers).toContain("app.test:8080");
  expect(headers[headers.indexOf("X-Forwarded-For") + 1]).toBe("127.0.0.1");
  expect(answer.body).not.toContain("6.6.6.6");
});

test("with an internal host the slot sees its own name", async () => {
  await using slot = await echoHeaders();
  await using site = await startTestSite({
    blue: slot.port,
    forward: { host: "internal", internalName: "shop.internal" },
  });
  const headers: string[] = JSON.parse((await ask({ port: site.port })).body);
  expect(headers[headers.indexOf("Host") + 1]).toBe("shop.internal");
  expect(headers[headers.indexOf("X-Public-Host") + 1]).toBe("app.test");
});

test("an unknown host is answered 421 and never forwarded", async () => {
  let reached = 0;
  await using slot = await startSlot((_, res) => {
    reached += 1;
    res.end();
  });
  await using site = await startTestSite({ blue: slot.port });
  expect((await ask({ port: site.port, headers: { Host: "other.test" } })).status).toBe(421);
  expect((await ask({ port: site.port, headers: { Host: "127.0.0.1" } })).status).toBe(421);
  expect(reached).toBe(0);
  expect(site.counters.read().refused.unknownHost).toBe(2);
});

test("a probe is told who served it, and its token never reaches the slot", async () => {
  await using slot = await echoHeaders();
  await using site = await startTestSite({ blue: slot.port });
  const probe = await ask({ port: site.port, headers: { "X-Sluice-Probe": probeToken } });
  expect(probe.headers["x-sluice-served-by"]).toBe("web-1/shop/blue/sha256:blue");
  expect(probe.body).not.toContain(probeToken);
  const wrong = await ask({ port: site.port, headers: { "X-Sluice-Probe": "guessed" } });
  expect(wrong.headers["x-sluice-served-by"]).toBeUndefined();
  expect(wrong.body).not.toContain("guessed");
});

test("a slot can't say who served", async () => {
  await using slot = await startSlot((_, res) => res.setHeader("x-sluice-served-by", "me").end());
  await using site = await startTestSite({ blue: slot.port });
  expect((await ask({ port: site.port })).headers["x-sluice-served-by"]).toBeUndefined();
});

test("counters are what was sent, by outcome, with probes apart", async () => {
  await using slot = await startSlot((req, res) => res.writeHead(Number(req.url?.slice(1))).end());
  await using site = await startTestSite({ blue: slot.port });
  const sent = [200, 200, 204, 302, 404, 500, 503, 503];
  for (const status of sent) await ask({ port: site.port, path: `/${status}` });
  for (const status of [200, 500])
    await ask({ port: site.port, path: `/${status}`, headers: { "X-Sluice-Probe": probeToken } });
  const { bindings } = site.counters.read();
  expect(bindings[0]?.users.outcomes).toEqual({ ok: 3, redirected: 1, "not-found": 1, failed: 3 });
  expect(bindings[0]?.probes.outcomes).toEqual({ ok: 1, failed: 1 });
  expect(bindings[0]?.users.latency.reduce((sum, bucket) => sum + bucket)).toBe(sent.length);
});

const head = "GET / HTTP/1.1\r\nHost: app.test\r\n";
const malformed: readonly (readonly [string, string])[] = [
  ["two Hosts", `${head}Host: app.test\r\n\r\n`],
  ["no Host", "GET / HTTP/1.1\r\n\r\n"],
  ["no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
  ["Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["absolute form with another host", "GET http://evil.test/ HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["Content-Length and chunked", `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["two different lengths", `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
  ["two equal lengths", `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
  ["a list of lengths", `${head}Content-Length: 5, 5\r\n\r\nhello`],
  ["a signed length", `${head}Content-Length: +5\r\n\r\nhello`],
  ["an empty length", `${head}Content-Length: \r\n\r\n`],
  ["a made-up encoding", `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  ["chunked, identity", `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
  ["two encodings", `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ["a space before the colon", `${head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
  ["userinfo in Host", "GET / HTTP/1.1\r\nHost: a@app.test\r\n\r\n"],
  ["a path in Host", "GET / HTTP/1.1\r\nHost: app.test/evil\r\n\r\n"],
  ["a fragment in the path", "GET /x#y HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["obs-fold", `${head}X-A: 1\r\n 2\r\n\r\n`],
  ["bare LF", "GET / HTTP/1.1\nHost: app.test\n\n"],
  ["bare LF in a chunk", `${head}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
  ["NUL in a header", `${head}X-A: a\0b\r\n\r\n`],
  ["NUL in a header name", `${head}X\0A: b\r\n\r\n`],
  ["CONNECT", "CONNECT app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n"],
  ["HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
];

test.each(malformed)("%s is not forwarded", async (name, bytes) => {
  let reached = 0;
  await using slot = await startSlot((req, res) => {
    req.on("error", () => undefined);
    // A head that was fine may have gone on before its body turned out not to be.
    req.resume().on("end", () => {
      reached += 1;
      res.end();
    });
  });
  await using site = await startTestSite({ blue: slot.port });
  const answer = await sendRaw(site.port, bytes);
  if (name !== "HTTP/2 preface") expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(reached).toBe(0);
});

test("neither an upgrade to HTTP/2 nor its settings are forwarded", async () => {
  await using slot = await echoHeaders();
  await using site = await startTestSite({ blue: slot.port });
  const answer = await sendRaw(
    site.port,
    `${head}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer.toLowerCase()).not.toContain("h2c");
  expect(answer.toLowerCase()).not.toContain("http2-settings");
});

test("a head that is too large is answered 431, one that is too slow 408", async () => {
  await using slot = await echoHeaders();
  await using site = await startTestSite({
    blue: slot.port,
    limits: { headerBytesMax: 2048, headersTimeoutMs: 150 as never },
  });
  expect(await sendRaw(site.port, `${head}X-Large: ${"x".repeat(4096)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  expect(await sendRaw(site.port, "GET / HTTP/1.1\r\nHost: app.te")).toMatch(/^HTTP\/1\.1 408 /);
});

test("a connection beyond the limit is closed", async () => {
  await using slot = await echoHeaders();
  await using site = await startTestSite({ blue: slot.port, limits: { connectionsMax: 1 } });
  const first = connect(site.port, "127.0.0.1");
  await new Promise((resolve) => {
    first.once("data", resolve);
    first.write(`${head}\r\n`);
  });
  expect(await sendRaw(site.port, `${head}\r\n`)).toBe("");
  first.destroy();
});
