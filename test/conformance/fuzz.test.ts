import fc from "fast-check";
import { expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { readResponse } from "./support/response-reader.ts";
import { ok, type SlotRequest, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { until } from "./support/until.ts";
import { exchange, get, request, WireClient } from "./support/wire-client.ts";

const chunked = "5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\nX-Sum: 1\r\n\r\n";

/** Good requests of every shape; what is sent is a few of them, damaged. */
const good: readonly string[] = [
  get(),
  get("/a/b?c=d", "Cookie: a=b", "Accept: */*"),
  request("GET http://app.test/x HTTP/1.1", "Host: app.test"),
  request("HEAD / HTTP/1.1", "Host: app.test"),
  request("GET / HTTP/1.0", "Host: app.test", "Connection: keep-alive"),
  request("OPTIONS * HTTP/1.1", "Host: app.test"),
  `${request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 5")}hello`,
  `${request("PUT /x HTTP/1.1", "Host: app.test", "Transfer-Encoding: chunked", "Trailer: X-Sum")}${chunked}`,
  `${request("POST / HTTP/1.1", "Host: app.test", "Expect: 100-continue", "Content-Length: 5")}hello`,
  get("/", "Connection: X-Forwarded-For, close, Host", "X-Forwarded-For: 6.6.6.6"),
  get("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"),
  get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
];

/** What is inserted into, or put in the place of, bytes of a good request. */
const poison: readonly string[] = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  "\x7f",
  "\xff",
  "0",
  "-1",
  "#",
  "@",
  "/",
  "..",
  ",",
  "Host: evil.test\r\n",
  "Host: app.test\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding:\x0bchunked\r\n",
  "X_Forwarded_For: 6.6.6.6\r\n",
  "Forwarded: for=6.6.6.6\r\n",
  "Connection: close, X-Public-Host\r\n",
  "Expect: 100-continue\r\n",
  "Upgrade: h2c\r\n",
  " folded\r\n",
  "\r\n\r\n",
  "0\r\n\r\n",
  "GET /smuggled HTTP/1.1\r\n",
];

type Damage =
  | { readonly kind: "insert" | "replace"; readonly at: number; readonly text: string }
  | { readonly kind: "delete" | "repeat"; readonly at: number; readonly count: number };

const at = fc.nat(400);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constantFrom("insert" as const, "replace" as const), at, text: fc.constantFrom(...poison) }),
  fc.record({
    kind: fc.constantFrom("delete" as const, "repeat" as const),
    at,
    count: fc.integer({ min: 1, max: 40 }),
  }),
);

/** One to three good requests with up to three damages, and where the bytes are split into writes. */
const conversation = fc.record({
  parts: fc.array(fc.constantFrom(...good), { minLength: 1, maxLength: 3 }),
  damages: fc.array(damage, { maxLength: 3 }),
  splits: fc.array(fc.nat(600), { maxLength: 5 }),
});

function damaged(parts: readonly string[], damages: readonly Damage[]): string {
  return damages.reduce(damageOnce, parts.join(""));
}

function damageOnce(bytes: string, each: Damage): string {
  const at = each.at % (bytes.length + 1);
  const before = bytes.slice(0, at);
  switch (each.kind) {
    case "insert":
      return before + each.text + bytes.slice(at);
    case "replace":
      return before + each.text + bytes.slice(at + each.text.length);
    case "delete":
      return before + bytes.slice(at + each.count);
    case "repeat":
      return bytes.slice(0, at + each.count) + bytes.slice(at);
  }
}

/** Says the bytes in their pieces, then that no more will come, and reads until the other side ends the connection. */
async function converse(port: number, bytes: string, splits: readonly number[]): Promise<string> {
  using client = await WireClient.open({ port });
  const stops = [...splits.map((split) => split % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  let from = 0;
  for (const stop of stops) {
    if (stop > from) client.send(bytes.slice(from, stop));
    from = stop;
    await new Promise(setImmediate);
  }
  const impatience = setTimeout(() => client.socket.end(), 20);
  const got = await client.end();
  clearTimeout(impatience);
  return got;
}

/** What came back begins with a response, and every status in it is one of a proxy or of the slot. Gives how many are of the slot. */
function checkAnswers(got: string): number {
  if (got === "") return 0;
  expect(readResponse(Buffer.from(got, "latin1"), { method: "HEAD", ended: true })).toBeDefined();
  const statuses = [...got.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  for (const status of statuses) {
    expect([100, 200, 400, 408, 413, 417, 421, 422, 431, 501, 502, 503, 504]).toContain(status);
  }
  return statuses.filter((status) => status === 200).length;
}

/** A request as a slot may see it: for a host it serves, from the client that sent it, and nothing the client forged. */
function checkRequest({ headers }: SlotRequest): void {
  const valuesOf = (wanted: string): string[] =>
    headers.filter(([name]) => name.toLowerCase().replaceAll("_", "-") === wanted).map(([, value]) => value);
  expect(valuesOf("host").map((host) => host.replace(/:\d+$/, ""))).toEqual(["app.test"]);
  for (const name of ["x-forwarded-for", "x-forwarded-host", "x-public-host", "forwarded"]) {
    expect(valuesOf(name)).toHaveLength(1);
  }
  expect(valuesOf("x-forwarded-for")).toEqual(["127.0.0.1"]);
  expect(valuesOf("http2-settings")).toEqual([]);
  expect(valuesOf("upgrade").join()).not.toMatch(/(?:^|[\s,/])h2c?(?:$|[\s,/])/i);
}

/** A trailer as a slot may see it: a field, and none that frames or routes. */
function checkTrailers({ trailers, trailersMalformed }: SlotRequest): void {
  expect(trailersMalformed).toBeUndefined();
  for (const [name] of trailers) {
    expect(["host", "content-length", "transfer-encoding", "x-forwarded-for", "forwarded"]).not.toContain(
      name.toLowerCase(),
    );
  }
}

eachEngine((startSite) => {
  let seen: readonly SlotRequest[] = [];

  test("whatever a client says, slots see whole requests for their host, and every connection ends", async () => {
    await using slot = await startScriptedSlot(() => ok());
    await using site = await startSite({
      slots: slotsAt(slot.port),
      limits: { responseTimeoutMs: 300, headersTimeoutMs: 300, keepAliveTimeoutMs: 300 },
    });
    const pids = await Promise.all(site.parts.map(async (part) => (await site.status(part)).pid));
    let answeredBySlot = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(conversation, { minLength: 20, maxLength: 20 }), async (batch) => {
        const said = batch.map(({ parts, damages, splits }) => ({ bytes: damaged(parts, damages), splits }));
        const all = said.map(({ bytes, splits }) => converse(site.port, bytes, splits));
        for (const got of await Promise.all(all)) answeredBySlot += checkAnswers(got);
      }),
      { numRuns: 60, endOnFailure: true },
    );
    expect(slot.malformed).toEqual([]);
    expect(slot.requests.length).toBeGreaterThan(300);
    expect(slot.requests.length).toBeGreaterThanOrEqual(answeredBySlot);
    for (const request of slot.requests) checkRequest(request);
    expect(await Promise.all(site.parts.map(async (part) => (await site.status(part)).pid))).toEqual(pids);
    expect((await exchange(site, get())).status).toBe(200);
    await until(async () => (await site.status()).inFlight.blue === 0);
    seen = slot.requests;
  });

  test("whatever trailers a client says, slots see fields that neither frame nor route", () => {
    expect(seen.length).toBeGreaterThan(300);
    for (const request of seen) checkTrailers(request);
  });
});
