import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { SiteUnderTest } from "./support/engine-under-test.ts";
import { valuesOf } from "./support/response-reader.ts";
import { type ScriptedSlot, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { exchange, get, request, WireClient } from "./support/wire-client.ts";

const post = (...lines: readonly string[]): string => request("POST / HTTP/1.1", "Host: app.test", ...lines);
const inOldHttp = (...lines: readonly string[]): string => request("POST / HTTP/1.0", "Host: app.test", ...lines);

/** Requests two programs could read in two ways; each is refused and never reaches a slot. */
const refused: readonly (readonly [string, string])[] = [
  ["RFC 9112 §3.2: a request without Host", request("GET / HTTP/1.1")],
  ["RFC 9112 §3.2: a request with an empty Host", request("GET / HTTP/1.1", "Host:")],
  ["RFC 9112 §3.2: a request with two Hosts", request("GET / HTTP/1.1", "Host: app.test", "host: other.test")],
  ["RFC 9112 §3.2: userinfo in Host", request("GET / HTTP/1.1", "Host: a@app.test")],
  ["RFC 9112 §3.2: a path in Host", request("GET / HTTP/1.1", "Host: app.test/evil")],
  ["RFC 9112 §3.2: a list in Host", request("GET / HTTP/1.1", "Host: app.test, evil")],
  ["RFC 9112 §3.2: two ports in Host", request("GET / HTTP/1.1", "Host: app.test:80:80")],
  ["RFC 9112 §3.2: a port that is none in Host", request("GET / HTTP/1.1", "Host: app.test:99999")],
  ["RFC 9112 §3.2: white space before the colon of Host", request("GET / HTTP/1.1", "Host : app.test")],
  ["RFC 9112 §3.2.2: an absolute target of another host", request("GET http://evil.test/ HTTP/1.1", "Host: app.test")],
  [
    "RFC 9112 §3.2.2: an absolute target of another port",
    request("GET http://app.test:81/ HTTP/1.1", "Host: app.test"),
  ],
  ["RFC 9112 §3.2.2: an absolute target of another scheme", request("GET ftp://app.test/ HTTP/1.1", "Host: app.test")],
  ["RFC 9112 §3.2.3: CONNECT", request("CONNECT app.test:80 HTTP/1.1", "Host: app.test")],
  ["RFC 9112 §3.2.4: * with another method than OPTIONS", request("GET * HTTP/1.1", "Host: app.test")],
  ["RFC 9112 §3.2: a target without a slash", request("GET index.html HTTP/1.1", "Host: app.test")],
  ["RFC 9112 §3.2: a fragment in the target", request("GET /#x HTTP/1.1", "Host: app.test")],
  ["RFC 9112 §3: white space inside of the target", request("GET /a b HTTP/1.1", "Host: app.test")],
  ["RFC 9112 §3: a control character in the target", request("GET /a\x01b HTTP/1.1", "Host: app.test")],
  ["RFC 9112 §2.3: a version that does not exist", request("GET / HTTP/1.7", "Host: app.test")],
  ["RFC 9112 §2.3: HTTP/2.0 in a request line", request("GET / HTTP/2.0", "Host: app.test")],
  ["RFC 9112 §3: a request line without a version", "GET /\r\nHost: app.test\r\n\r\n"],
  ["RFC 9113 §3.4: the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["RFC 9112 §6.3: two different Content-Lengths", `${post("Content-Length: 5", "Content-Length: 6")}hello!`],
  ["RFC 9112 §6.3: a sign in Content-Length", `${post("Content-Length: +5")}hello`],
  ["RFC 9112 §6.3: a negative Content-Length", `${post("Content-Length: -5")}hello`],
  ["RFC 9112 §6.3: an empty Content-Length", `${post("Content-Length:")}hello`],
  ["RFC 9112 §6.3: a hexadecimal Content-Length", `${post("Content-Length: 0x5")}hello`],
  ["RFC 9112 §6.3: a Content-Length beyond all numbers", `${post("Content-Length: 99999999999999999999")}hello`],
  ["RFC 9112 §6.1: an unknown transfer encoding", `${post("Transfer-Encoding: xchunked")}0\r\n\r\n`],
  ["RFC 9112 §6.1: chunked that is not last", `${post("Transfer-Encoding: chunked, identity")}0\r\n\r\n`],
  ["RFC 9112 §6.1: another encoding before chunked", `${post("Transfer-Encoding: gzip, chunked")}0\r\n\r\n`],
  ["RFC 9112 §6.1: chunked twice", `${post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")}0\r\n\r\n`],
  ["RFC 9112 §5.1: white space before the colon", `${post("Transfer-Encoding : chunked")}0\r\n\r\n`],
  ["RFC 9112 §6.1: Transfer-Encoding in HTTP/1.0", `${inOldHttp("Transfer-Encoding: chunked")}0\r\n\r\n`],
  ["RFC 9112 §2.2: a bare CR in a header value", get("/", "X-Value: a\rb")],
  ["RFC 9110 §5.5: NUL in a header value", get("/", "X-Value: a\0b")],
  ["RFC 9110 §5.5: a control character in a header value", get("/", "X-Value: a\x01b")],
  ["RFC 9110 §5.5: DEL in a header value", get("/", "X-Value: a\x7fb")],
  ["RFC 9110 §5.1: an empty header name", get("/", ": value")],
  ["RFC 9110 §5.1: a header name that is no token", get("/", "X(Name): value")],
  ["RFC 9112 §2.2: white space before the first header", "GET / HTTP/1.1\r\n Host: app.test\r\n\r\n"],
];

interface Ambiguous {
  readonly name: string;
  readonly bytes: string;
  /** All that a slot may see of it, when it sees anything: the other reading is gone. */
  readonly seen: {
    readonly line: string;
    readonly body: string;
    readonly header?: readonly [name: string, value: RegExp];
  };
  /** The connection has to end behind it, since whoever sent it may have meant the other reading. */
  readonly ends?: true;
}

const hello = { line: "POST / HTTP/1.1", body: "hello" };

/** Requests that a recipient may refuse or may read in one way, if it then forwards that reading and nothing else. */
const ambiguous: readonly Ambiguous[] = [
  {
    name: "RFC 9112 §3.2: a request with two equal Hosts",
    bytes: request("GET / HTTP/1.1", "Host: app.test", "Host: app.test"),
    seen: { line: "GET / HTTP/1.1", body: "", header: ["host", /^app\.test$/] },
  },
  {
    name: "RFC 9110 §8.6: two equal Content-Lengths",
    bytes: `${post("Content-Length: 5", "Content-Length: 5")}hello`,
    seen: hello,
  },
  { name: "RFC 9110 §8.6: a list in Content-Length", bytes: `${post("Content-Length: 5, 5")}hello`, seen: hello },
  {
    name: "RFC 9112 §6.3: Content-Length beside Transfer-Encoding",
    bytes: `${post("Content-Length: 3", "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`,
    seen: { ...hello, header: ["transfer-encoding", /^chunked$/] },
    ends: true,
  },
  {
    name: "RFC 9112 §6.3: Transfer-Encoding beside Content-Length",
    bytes: `${post("Transfer-Encoding: chunked", "Content-Length: 3")}5\r\nhello\r\n0\r\n\r\n`,
    seen: { ...hello, header: ["transfer-encoding", /^chunked$/] },
    ends: true,
  },
  {
    name: "RFC 9110 §5.6.1: an empty Transfer-Encoding beside another",
    bytes: `${post("Transfer-Encoding:", "Transfer-Encoding: chunked")}5\r\nhello\r\n0\r\n\r\n`,
    seen: { ...hello, header: ["transfer-encoding", /^chunked$/] },
  },
  {
    name: "RFC 9110 §5.6.1: an empty element in Transfer-Encoding",
    bytes: `${post("Transfer-Encoding: ,chunked")}5\r\nhello\r\n0\r\n\r\n`,
    seen: { ...hello, header: ["transfer-encoding", /chunked$/] },
  },
  {
    name: "RFC 9112 §5.2: a folded header line",
    bytes: get("/", "X-Folded: a", " b"),
    seen: { line: "GET / HTTP/1.1", body: "", header: ["x-folded", /^a +b$/] },
  },
  {
    name: "RFC 9112 §2.2: lines that end with LF alone",
    bytes: "GET / HTTP/1.1\nHost: app.test\nX-Line: 1\n\n",
    seen: { line: "GET / HTTP/1.1", body: "", header: ["x-line", /^1$/] },
  },
  {
    name: "RFC 9112 §7.1: a chunk that ends with LF alone",
    bytes: `${post("Transfer-Encoding: chunked")}5\nhello\n0\n\n`,
    seen: hello,
  },
];

/** What a proxy may answer that refuses: a transfer coding it does not know may have a status of its own (RFC 9112 §6.1). */
const refusals = [400, 422, 501];

/** Bodies that stop being one in the middle: the head is fine, so a slot may have seen it, but never a whole request. */
const broken: readonly (readonly [string, string])[] = [
  ["RFC 9112 §7.1: a chunk size that is no number", `${post("Transfer-Encoding: chunked")}zz\r\nhello\r\n0\r\n\r\n`],
  ["RFC 9112 §7.1: a chunk longer than it says", `${post("Transfer-Encoding: chunked")}3\r\nhello\r\n0\r\n\r\n`],
  ["RFC 9112 §7.1: a negative chunk size", `${post("Transfer-Encoding: chunked")}-5\r\nhello\r\n0\r\n\r\n`],
  ["RFC 9112 §7.1: a chunk size with 0x", `${post("Transfer-Encoding: chunked")}0x5\r\nhello\r\n0\r\n\r\n`],
  ["RFC 9112 §7.1: a chunk size beyond all numbers", `${post("Transfer-Encoding: chunked")}fffffffffffffffff\r\nhello`],
  [
    "RFC 9112 §7.1.1: LF inside of a chunk extension",
    `${post("Transfer-Encoding: chunked")}5;a\nb\r\nhello\r\n0\r\n\r\n`,
  ],
];

const goodLine = "GET /good HTTP/1.1";

/** How bytes get to the proxy. */
const ways: readonly { readonly how: string; say(client: WireClient, bytes: string): Promise<void> }[] = [
  { how: "at once", say: async (client, bytes) => void client.send(bytes) },
  {
    how: "behind a good request",
    async say(client, bytes) {
      expect((await client.send(`${get("/good")}${bytes}`).response()).status).toBe(200);
    },
  },
  { how: "byte by byte", say: trickle },
];

/** Says the bytes one by one, until there is an answer: whoever goes on after that may be cut off before it has read it. */
async function trickle(client: WireClient, bytes: string): Promise<void> {
  for (const byte of Buffer.from(bytes, "latin1")) {
    if (client.heard) return;
    client.socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
}

eachEngine((startSite) => {
  let slot: ScriptedSlot;
  let site: SiteUnderTest;

  beforeAll(async () => {
    slot = await startScriptedSlot();
    site = await startSite({ slots: slotsAt(slot.port) });
  });

  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await slot[Symbol.asyncDispose]();
  });

  test.each(refused)("%s is refused, and the connection ends", async (_, bytes) => {
    const before = slot.requests.length;
    using client = await WireClient.open(site);
    const answer = await client.send(bytes).response();
    expect(answer.status).toBeOneOf(refusals);
    if (answer.status === 400) expect(valuesOf(answer, "connection")).toEqual(["close"]);
    await client.end();
    expect(slot.requests.length).toBe(before);
    expect(slot.malformed).toEqual([]);
  });

  test.each(refused)("%s behind a good request does not reach the slot either", async (_, bytes) => {
    const before = slot.requests.length;
    using client = await WireClient.open(site);
    expect((await client.send(`${get("/good")}${bytes}`).response()).status).toBe(200);
    expect((await client.response().catch(() => ({ status: "closed" }))).status).toBeOneOf([...refusals, "closed"]);
    await client.end();
    expect(slot.requests.slice(before).map(({ line }) => line)).toEqual(["GET /good HTTP/1.1"]);
  });

  test.each(refused)("%s is refused although it comes byte by byte", async (_, bytes) => {
    const before = slot.requests.length;
    using client = await WireClient.open(site);
    await trickle(client, bytes);
    expect((await client.response()).status).toBeOneOf(refusals);
    expect(slot.requests.length).toBe(before);
  });

  describe.each(ways)("$how", ({ say }) => {
    test.each(ambiguous.map((each) => [each.name, each] as const))(
      "%s is refused or has one reading",
      async (_, each) => {
        const { bytes, seen, ends } = each;
        using client = await WireClient.open(site);
        const before = slot.requests.length;
        await say(client, bytes);
        const answer = await client.response();
        expect(answer.status).toBeOneOf([200, ...refusals]);
        client.send(get("/behind", "Connection: close"));
        const rest = await client.end();
        expect(slot.malformed).toEqual([]);
        const arrived = slot.requests.slice(before).filter(({ line }) => line !== goodLine);
        if (answer.status !== 200) return expect([arrived, rest]).toEqual([[], ""]);
        const [whole, ...behind] = arrived;
        expect([whole?.line, whole?.body.toString()]).toEqual([seen.line, seen.body]);
        const [name, value] = seen.header ?? ["host", /^app\.test$/];
        expect(valuesOf(whole ?? { headers: [] }, name)).toEqual([expect.stringMatching(value)]);
        expect(behind.map(({ line }) => line)).toEqual(ends === true ? [] : ["GET /behind HTTP/1.1"]);
      },
    );
  });

  test.each(broken)("%s never becomes a whole request", async (_, bytes) => {
    const before = slot.requests.length;
    using client = await WireClient.open(site);
    client.send(bytes);
    const answer = await client.response().catch(() => undefined);
    expect(answer?.status ?? 400).toBe(400);
    await client.end();
    expect(slot.requests.length).toBe(before);
    expect(slot.malformed).toEqual([]);
  });

  test("RFC 9112 §7.1.1: chunk extensions are understood and end at the proxy", async () => {
    const answer = await exchange(site, `${post("Transfer-Encoding: chunked")}5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n`);
    expect(answer.status).toBe(200);
    expect(slot.requests.at(-1)?.body.toString()).toBe("hello");
  });

  test("RFC 9112 §2.2: an empty line before the request line is skipped", async () => {
    expect((await exchange(site, `\r\n${get("/after-empty-line")}`)).status).toBe(200);
    expect(slot.requests.at(-1)?.line).toBe("GET /after-empty-line HTTP/1.1");
  });

  test("RFC 9112 §9.3: HTTP/1.0 is served and its connection ends, unless it asks to keep it", async () => {
    using once = await WireClient.open(site);
    const answer = await once.send(request("GET / HTTP/1.0", "Host: app.test")).response();
    expect(answer.status).toBe(200);
    expect(await once.end()).toBe("");
    using kept = await WireClient.open(site);
    for (let round = 0; round < 2; round++) {
      const bytes = request("GET / HTTP/1.0", "Host: app.test", "Connection: keep-alive");
      expect((await kept.send(bytes).response()).status).toBe(200);
    }
  });

  test("RFC 9112 §2.3: a slot is asked in the version of the proxy, not in that of the client", async () => {
    expect((await exchange(site, request("GET / HTTP/1.0", "Host: app.test"))).status).toBe(200);
    expect(slot.requests.at(-1)?.line).toBe("GET / HTTP/1.1");
  });

  test("RFC 9110 §10.1.1: an expectation nobody knows is answered 417, and the slot is not asked", async () => {
    const before = slot.requests.length;
    expect((await exchange(site, get("/", "Expect: miracles"))).status).toBe(417);
    expect(slot.requests.length).toBe(before);
  });

  test.each([
    "h2c",
    "H2C",
    "websocket, h2c",
    "h2c,websocket",
    "h2c/1",
    "HTTP/2.0",
    "TLS/1.0",
    "@h2c",
    '"h2c"',
    "web socket",
    "/",
  ])("RFC 9110 §7.8: an upgrade to %s does not become a tunnel", async (protocol) => {
    using client = await WireClient.open(site);
    const lines = [
      "Connection: Upgrade, HTTP2-Settings",
      `Upgrade: ${protocol}`,
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIA",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    expect((await client.send(get("/no-tunnel", ...lines)).response()).status).toBe(200);
    const headers = slot.requests.at(-1) ?? { headers: [] };
    for (const name of ["upgrade", "http2-settings"]) expect(valuesOf(headers, name)).toEqual([]);
    expect((await client.send(get("/after")).response()).status).toBe(200);
  });

  test.each([
    ["websocket", "h2c"],
    ["h2c", "websocket"],
  ])("RFC 9110 §7.8: an upgrade to %s in one line and %s in another does not become a tunnel", async (...protocols) => {
    const lines = protocols.map((protocol) => `Upgrade: ${protocol}`);
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    expect((await exchange(site, get("/two", "Connection: Upgrade", ...lines, key))).status).toBeOneOf([200, 400]);
    const seen = slot.requests.filter(({ line }) => line.includes("/two"));
    for (const headers of seen) expect(valuesOf(headers, "upgrade").join()).not.toContain("h2c");
  });

  test("RFC 9112 §9.3.2: pipelined requests are answered in their order, each by its own answer", async () => {
    await using echo = await startScriptedSlot(({ line, body }) => {
      const text = `${line.split(" ")[1]} ${body}`;
      return `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    });
    await using piped = await startSite({ slots: slotsAt(echo.port) });
    using client = await WireClient.open(piped);
    const posts = (path: string, body: string): string =>
      `${request(`POST ${path} HTTP/1.1`, "Host: app.test", `Content-Length: ${body.length}`)}${body}`;
    client.send(
      `${get("/1")}${posts("/2", "GET /smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n")}${get("/3")}${posts("/4", "x")}`,
    );
    const texts: string[] = [];
    for (let answer = 0; answer < 4; answer++) texts.push((await client.response()).body.toString());
    expect(texts.map((text) => text.split(" ")[0])).toEqual(["/1", "/2", "/3", "/4"]);
    expect(echo.requests).toHaveLength(4);
    expect(echo.malformed).toEqual([]);
  });
});
