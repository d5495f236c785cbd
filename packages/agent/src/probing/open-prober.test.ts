import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { durationMs, instant, type ProbeResult, seconds } from "@sluice/core";
import { createSequentialIds, nodeClock } from "@sluice/runtime";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { binding, duties, probe } from "../slots/testing/builders.ts";
import { openProber, type ProberOptions } from "./open-prober.ts";
import { type Authority, createAuthority } from "./testing/certificates.ts";

const never = new AbortController().signal;
let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority[Symbol.asyncDispose]());

const prober = (over: Partial<ProberOptions> = {}) =>
  openProber({ host: "web-1", clock: nodeClock, ids: createSequentialIds(), ...over });

async function listen(server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => open.add(socket));
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}

const serve = (answer: RequestListener): Promise<number> => listen(createServer(answer));

const one = (results: readonly ProbeResult[]): ProbeResult => {
  expect(results).toHaveLength(1);
  return results[0] as ProbeResult;
};

const servedBy = (host: string, release = "sha256:1") => ({ "x-sluice-served-by": `${host}/shop/blue/${release}` });

test("every binding is asked every probe on its own listener, under its own name, marked as a probe", async () => {
  const asked: IncomingMessage[] = [];
  const port = await serve((request, response) => {
    asked.push(request);
    response.writeHead(200, servedBy("web-1")).end("Welcome to the Shop");
  });
  const results = await prober().round(
    duties({
      probes: [
        probe({ path: "/healthz" }),
        probe({ method: "POST", path: "/buy", headers: { "X-Kind": "test" }, contains: "Shop" }),
      ],
      bindings: [
        binding({ port }),
        binding({
          name: "www.shop.example",
          kind: "public",
          port,
          bindingPort: 8080,
          shared: true,
          address: "0.0.0.0",
        }),
      ],
    }),
    { hop: "listener" },
    never,
  );
  expect(
    results.map(({ binding, hop, probe, outcome, release, host, site }) => ({
      binding,
      hop,
      probe,
      outcome,
      release,
      host,
      site,
    })),
  ).toEqual(
    [
      ["shop.internal", "proxy", "GET /healthz"],
      ["shop.internal", "proxy", "POST /buy"],
      ["www.shop.example", "front", "GET /healthz"],
      ["www.shop.example", "front", "POST /buy"],
    ].map(([binding, hop, probe]) => ({
      binding,
      hop,
      probe,
      outcome: { kind: "good", status: 200 },
      release: "sha256:1",
      host: "web-1",
      site: "shop",
    })),
  );
  expect(asked.map(({ headers }) => headers.host).sort()).toEqual([
    "shop.internal",
    "shop.internal",
    "www.shop.example:8080",
    "www.shop.example:8080",
  ]);
  expect(new Set(asked.map(({ headers }) => headers["x-sluice-probe"]))).toEqual(new Set(["token-1"]));
  const posted = asked.find(({ method }) => method === "POST");
  expect(posted?.headers).toMatchObject({ "x-kind": "test", "content-length": "0" });
});

test("a wildcard binding is asked under a name that it stands for", async () => {
  const names: (string | undefined)[] = [];
  const port = await serve((request, response) => {
    names.push(request.headers.host);
    response.end();
  });
  await prober().round(duties({ bindings: [binding({ name: "*.shop.example", port })] }), { hop: "listener" }, never);
  expect(names).toEqual(["sluice-probe.shop.example"]);
});

test.for([
  ["preserve", "www.shop.example"],
  ["internal", "shop.internal"],
] as const)("a slot is asked exactly what the site proxy would send, forward.host %s", async ([host, expectedHost]) => {
  const asked: IncomingMessage[] = [];
  const port = await serve((request, response) => {
    asked.push(request);
    response.end("ok");
  });
  const target = { host: "127.0.0.1", port, release: "sha256:2" };
  const site = duties({
    forward: { host },
    bindings: [binding({ name: "www.shop.example", kind: "public", tls: true, bindingPort: 443 }), binding()],
    probes: [probe({ headers: { Cookie: "a=1", "X-Forwarded-For": "1.2.3.4" } })],
  });
  const [result] = await prober().round(site, { hop: "slot", target }, never);
  expect(result).toMatchObject({ hop: "slot", outcome: { kind: "good", status: 200 }, release: "sha256:2" });
  const publicly = asked.find(({ headers }) => headers["x-public-host"] === "www.shop.example");
  expect(publicly?.headers).toMatchObject({
    host: expectedHost,
    "x-forwarded-proto": "https",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "www.shop.example",
    "x-forwarded-port": "443",
    "x-sluice-trace": expect.stringMatching(/^probe-/),
    cookie: "a=1",
  });
  expect(publicly?.headers).not.toHaveProperty("x-sluice-probe");
  const internally = asked.find(({ headers }) => headers["x-public-host"] === "shop.internal");
  expect(internally?.headers).toMatchObject({ host: "shop.internal", "x-forwarded-proto": "http" });
});

test("a bad answer is quoted in words, markup left out", async () => {
  const port = await serve((_, response) => {
    response.writeHead(400, { "content-type": "text/html" });
    response.end(`<!DOCTYPE HTML><html><head><title>Bad Request</title></head><body>\u0007
      <h2>Bad Request - Invalid Hostname</h2></body></html>`);
  });
  const result = one(await prober().round(duties({ bindings: [binding({ port })] }), { hop: "listener" }, never));
  expect(result.outcome).toEqual({
    kind: "bad",
    status: 400,
    reason: `answered 400 "Bad Request - Invalid Hostname", expected 200`,
  });
});

test("a long body is quoted by its first 80 characters, an empty one is said to be empty", async () => {
  const port = await serve((request, response) => {
    response.statusCode = 500;
    response.end(request.url === "/long" ? "é".repeat(100) : "");
  });
  const probes = [probe({ path: "/long", expect: [200, 204] }), probe({ path: "/empty" })];
  const results = await prober().round(duties({ bindings: [binding({ port })], probes }), { hop: "listener" }, never);
  expect(results.map(({ outcome }) => outcome)).toMatchObject([
    { reason: `answered 500 "${"é".repeat(80)}…", expected 200 or 204` },
    { reason: "answered 500 with an empty body, expected 200" },
  ]);
});

test("a missing text is bad, and a body without end is read no further than 64 KB", async () => {
  let sent = 0;
  const port = await serve((_, response) => {
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(4096))) sent += 4096;
    };
    response.on("drain", more);
    more();
  });
  const result = one(
    await prober().round(
      duties({ bindings: [binding({ port })], probes: [probe({ contains: "Shop" })] }),
      { hop: "listener" },
      never,
    ),
  );
  expect(result.outcome).toMatchObject({
    kind: "bad",
    status: 200,
    reason: expect.stringMatching(/^answered 200 as expected, but the first 64 KB of the body lack "Shop": "xxx/),
  });
  expect(sent).toBeLessThan(20_000_000);
});

test("a probe's body is sent as it is, with its length in bytes", async () => {
  const bodies: unknown[] = [];
  const port = await serve(async (request, response) => {
    let text = "";
    for await (const piece of request) text += piece;
    bodies.push([request.headers["content-type"], request.headers["content-length"], text]);
    response.end();
  });
  const headers = { "Content-Type": "application/json" };
  const probes = [probe({ method: "POST", headers, body: '{"name":"Blåbær"}' }), probe({ method: "POST" })];
  const asked = duties({ bindings: [binding({ port })], probes });
  await prober().round(asked, { hop: "listener" }, never);
  await prober().round(asked, { hop: "slot", target: { host: "127.0.0.1", port, release: "sha256:1" } }, never);
  const sent = ["application/json", "19", '{"name":"Blåbær"}'];
  const empty = [undefined, "0", ""];
  expect(bodies.toSorted()).toEqual([empty, empty, sent, sent].toSorted());
});

test("a redirect is an answer, never followed", async () => {
  const paths: (string | undefined)[] = [];
  const port = await serve((request, response) => {
    paths.push(request.url);
    response.writeHead(302, { location: "/elsewhere" }).end();
  });
  const result = one(await prober().round(duties({ bindings: [binding({ port })] }), { hop: "listener" }, never));
  expect(result.outcome).toMatchObject({ kind: "bad", status: 302 });
  expect(paths).toEqual(["/"]);
});

test("a server that answers too slowly is bad, within its timeout", async () => {
  const port = await serve((_, response) => {
    response.write("first byte");
  });
  const result = one(
    await prober().round(
      duties({ bindings: [binding({ port })], probes: [probe({ timeoutMs: durationMs(300) })] }),
      { hop: "listener" },
      never,
    ),
  );
  expect(result.outcome).toEqual({ kind: "bad", reason: `127.0.0.1:${port} gave no complete answer within 300ms` });
  expect(result.tookMs).toBeGreaterThanOrEqual(295);
});

test("refused, reset and nonsense answers are bad, each in its own words", async () => {
  const refused = await listen(createTcpServer());
  const reset = await listen(createTcpServer((socket) => socket.once("data", () => socket.destroy())));
  const nonsense = await listen(
    createTcpServer((socket) => void socket.on("error", () => {}).write("220 smtp ready\r\n\r\n")),
  );
  const closed = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => closed.once("listening", resolve));
  const gone = (closed.address() as AddressInfo).port;
  await new Promise((resolve) => closed.close(resolve));
  expect(refused).toBeGreaterThan(0);
  const bindings = [gone, reset, nonsense].map((port) => binding({ name: `n${port}`, port }));
  const results = await prober().round(duties({ bindings }), { hop: "listener" }, never);
  expect(results.map(({ outcome }) => outcome)).toEqual([
    { kind: "bad", reason: `127.0.0.1:${gone} refused the connection` },
    { kind: "bad", reason: `127.0.0.1:${reset} closed the connection without an answer` },
    { kind: "bad", reason: expect.stringContaining(`127.0.0.1:${nonsense} answered with something that is not HTTP`) },
  ]);
});

test("an answer on our own listener by another host or site is bad", async () => {
  const port = await serve((_, response) => response.writeHead(200, servedBy("web-2")).end());
  const result = one(await prober().round(duties({ bindings: [binding({ port })] }), { hop: "listener" }, never));
  expect(result.outcome).toEqual({ kind: "bad", reason: "answered by shop on host web-2, expected shop on web-1" });
});

test("a round that is given up leaves what was not answered unknown", async () => {
  const giveUp = new AbortController();
  const port = await serve(() => giveUp.abort());
  const bindings = [binding({ port }), binding({ name: "later", port })];
  const results = await prober().round(duties({ bindings }), { hop: "listener" }, giveUp.signal);
  expect(results.map(({ outcome }) => outcome.kind)).toEqual(["unknown", "unknown"]);
});

test("at most eight questions of a round are under way at once", async () => {
  let [now, most] = [0, 0];
  const port = await serve((_, response) => {
    now += 1;
    most = Math.max(most, now);
    setTimeout(() => {
      now -= 1;
      response.end();
    }, 20);
  });
  const bindings = Array.from({ length: 40 }, (_, at) => binding({ name: `name-${at}`, port }));
  const results = await prober().round(duties({ bindings }), { hop: "listener" }, never);
  expect(results.every(({ outcome }) => outcome.kind === "good")).toBe(true);
  expect(results.map(({ binding }) => binding)).toEqual(bindings.map(({ name }) => name));
  expect(most).toBeLessThanOrEqual(8);
  expect(most).toBeGreaterThan(1);
});

async function serveTls(pair: {
  readonly cert: string;
  readonly key: string;
}): Promise<{ readonly port: number; readonly names: unknown[] }> {
  const names: unknown[] = [];
  const server = createTlsServer(
    { ...pair, SNICallback: (name, done) => done(null, void names.push(name)) },
    (_, response) => response.end("ok"),
  );
  return { port: await listen(server), names };
}

const tlsDuties = (port: number) =>
  duties({ bindings: [binding({ name: "www.shop.example", tls: true, bindingPort: 443, port })] });

test("a certificate from a known authority for the asked name is good, and the name travels as SNI", async () => {
  const { port, names } = await serveTls(await authority.issue("www.shop.example"));
  const result = one(await prober({ caFile: authority.caFile }).round(tlsDuties(port), { hop: "listener" }, never));
  expect(result.outcome).toEqual({ kind: "good", status: 200 });
  expect(names).toEqual(["www.shop.example"]);
});

test("a certificate for another name is bad, whoever issued it", async () => {
  const { port } = await serveTls(await authority.issue("other.example"));
  const ask = prober({ caFile: authority.caFile, acceptSelfSigned: true });
  expect(one(await ask.round(tlsDuties(port), { hop: "listener" }, never)).outcome).toEqual({
    kind: "bad",
    reason: "certificate is not for www.shop.example but for DNS:other.example",
  });
});

test("a certificate nobody vouches for is bad, unless that is allowed", async () => {
  const { port } = await serveTls(await authority.selfSigned("www.shop.example"));
  expect(one(await prober().round(tlsDuties(port), { hop: "listener" }, never)).outcome).toEqual({
    kind: "bad",
    reason: "certificate for www.shop.example is not trusted: it is self-signed",
  });
  const relaxed = prober({ acceptSelfSigned: true });
  expect(one(await relaxed.round(tlsDuties(port), { hop: "listener" }, never)).outcome.kind).toBe("good");
});

test("a certificate from an unknown authority is bad", async () => {
  const { port } = await serveTls(await authority.issue("www.shop.example"));
  expect(one(await prober().round(tlsDuties(port), { hop: "listener" }, never)).outcome).toMatchObject({
    kind: "bad",
    reason: expect.stringContaining("certificate for www.shop.example is not trusted"),
  });
});

test("an expired certificate is bad, even where self-signed ones are allowed", async () => {
  const { port } = await serveTls(await authority.selfSigned("www.shop.example"));
  const clock = { ...nodeClock, now: () => instant(Date.UTC(2100, 0)) };
  const result = one(
    await prober({ acceptSelfSigned: true, clock }).round(tlsDuties(port), { hop: "listener" }, never),
  );
  expect(result.outcome).toMatchObject({
    kind: "bad",
    reason: expect.stringMatching(/^certificate for www.shop.example expired on/),
  });
});

test("plain HTTP where TLS is expected is bad", async () => {
  const port = await serve((_, response) => response.end());
  const result = one(await prober().round(tlsDuties(port), { hop: "listener" }, never));
  expect(result.outcome).toMatchObject({
    kind: "bad",
    reason: expect.stringContaining("does not speak TLS as expected"),
  });
});

test("roots that can't be read are refused when the prober is opened", () => {
  expect(() => prober({ caFile: "/nowhere/ca.pem" })).toThrow(
    "cannot read the roots for probes from '/nowhere/ca.pem'",
  );
});

/** An edge whose answers, one connection after the other, are made by `answers`; the last one repeats. */
async function edge(
  ...answers: readonly RequestListener[]
): Promise<{ readonly url: string; readonly asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const port = await serve((request, response) => {
    asked.push(request);
    answers[Math.min(asked.length, answers.length) - 1]?.(request, response);
  });
  return { url: `http://127.0.0.1:${port}`, asked };
}

const by =
  (host: string, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status, servedBy(host)).end("x");
const bySomebody =
  (status: number): RequestListener =>
  (_, response) =>
    void response.writeHead(status).end("gateway");
const publicly = (url: string, over = {}) =>
  duties({ bindings: [binding({ name: "www.shop.example", kind: "public", edge: url }), binding()], ...over });

test("only public bindings with an edge are asked there, under the binding's name and below the edge's path", async () => {
  const { url, asked } = await edge(by("web-1"));
  const result = one(
    await prober().round(publicly(`${url}/base/`, { probes: [probe({ path: "/healthz" })] }), { hop: "edge" }, never),
  );
  expect(result).toMatchObject({
    hop: "edge",
    binding: "www.shop.example",
    outcome: { kind: "good" },
    release: "sha256:1",
  });
  expect(asked[0]?.headers.host).toBe("www.shop.example");
  expect(asked[0]?.url).toBe("/base/healthz");
});

test("an edge that leads elsewhere is asked again, on fresh connections, until it leads here", async () => {
  const { url, asked } = await edge(by("web-2", 500), by("web-3"), by("web-1"));
  expect(one(await prober().round(publicly(url), { hop: "edge" }, never)).outcome).toEqual({
    kind: "good",
    status: 200,
  });
  expect(new Set(asked.map(({ socket }) => socket)).size).toBe(3);
});

test("an edge that never leads here says nothing about this host", async () => {
  const { url, asked } = await edge(by("web-2", 500));
  expect(one(await prober().round(publicly(url), { hop: "edge" }, never)).outcome).toMatchObject({
    kind: "unknown",
    reason: expect.stringMatching(/^the edge led to web-2, never to web-1, on 9 asks/),
  });
  expect(asked).toHaveLength(9);
});

test("a bad answer by this host through the edge is bad at once", async () => {
  const { url, asked } = await edge(by("web-1", 400));
  expect(one(await prober().round(publicly(url), { hop: "edge" }, never)).outcome).toMatchObject({
    kind: "bad",
    status: 400,
  });
  expect(asked).toHaveLength(1);
});

test("an edge that fails every time without saying who it is is bad, once in a while it is unknown", async () => {
  const always = await edge(bySomebody(502));
  expect(one(await prober().round(publicly(always.url), { hop: "edge" }, never)).outcome).toMatchObject({
    kind: "bad",
    status: 502,
    reason: expect.stringMatching(/^answered 502 "gateway", expected 200; so on all 9 asks/),
  });
  const once = await edge(bySomebody(502), by("web-2"));
  expect(one(await prober().round(publicly(once.url), { hop: "edge" }, never)).outcome).toMatchObject({
    kind: "unknown",
  });
  const unsigned = await edge(bySomebody(200));
  expect(one(await prober().round(publicly(unsigned.url), { hop: "edge" }, never)).outcome.kind).toBe("unknown");
});

test("an edge that does not answer is asked at least twice and not for ever", async () => {
  const { url, asked } = await edge(() => {});
  const probes = [probe({ timeoutMs: durationMs(200) })];
  const result = one(await prober().round(publicly(url, { probes }), { hop: "edge" }, never));
  expect(result.outcome).toMatchObject({ kind: "bad", reason: expect.stringContaining("on all 2 asks") });
  expect(asked).toHaveLength(2);
  expect(result.tookMs).toBeLessThan(seconds(10));
});
