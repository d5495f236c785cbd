import type { Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { SiteUnderTest } from "./support/engine-under-test.ts";
import { valuesOf } from "./support/response-reader.ts";
import { ok, type Script, type ScriptedSlot, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { exchange, get, request, WireClient } from "./support/wire-client.ts";

eachEngine((startSite) => {
  let slot: ScriptedSlot;
  let site: SiteUnderTest;
  let script: Script = () => ok();
  let early: (head: string, socket: Socket) => void = () => undefined;

  beforeAll(async () => {
    slot = await startScriptedSlot((seen, socket) => script(seen, socket), {
      early: (head, socket) => early(head, socket),
    });
    site = await startSite({ slots: slotsAt(slot.port) });
  });

  beforeEach(() => {
    script = () => ok();
    early = () => undefined;
  });

  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await slot[Symbol.asyncDispose]();
  });

  const waiting = (path: string, bytes: number): string =>
    request(`POST ${path} HTTP/1.1`, "Host: app.test", `Content-Length: ${bytes}`, "Expect: 100-continue");

  test("RFC 9110 §9.3.2: the answer to HEAD has the length of GET and no body", async () => {
    script = () => "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n";
    using client = await WireClient.open(site);
    const answer = await client.send(request("HEAD / HTTP/1.1", "Host: app.test")).response("HEAD");
    expect(valuesOf(answer, "content-length")).toEqual(["12345"]);
    script = () => ok("next");
    expect((await client.send(get()).response()).body.toString()).toBe("next");
  });

  test("RFC 9112 §6.3: the answer to HEAD may say chunked and has no body all the same", async () => {
    script = () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    using client = await WireClient.open(site);
    expect((await client.send(request("HEAD / HTTP/1.1", "Host: app.test")).response("HEAD")).status).toBe(200);
    script = () => ok("next");
    expect((await client.send(get()).response()).body.toString()).toBe("next");
  });

  test("RFC 9110 §15.3.5: 204 has no body and no Content-Length, and the connection goes on", async () => {
    script = () => "HTTP/1.1 204 No Content\r\nX-Kept: 1\r\n\r\n";
    using client = await WireClient.open(site);
    const answer = await client.send(get()).response();
    expect(answer.status).toBe(204);
    expect(valuesOf(answer, "x-kept")).toEqual(["1"]);
    for (const name of ["content-length", "transfer-encoding"]) expect(valuesOf(answer, name)).toEqual([]);
    expect((await client.send(get()).response()).status).toBe(204);
  });

  test("RFC 9110 §15.4.5: 304 keeps its validators and the length it names, without a body", async () => {
    script = () => 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n';
    using client = await WireClient.open(site);
    const answer = await client.send(get("/", 'If-None-Match: "x"')).response();
    expect(answer.status).toBe(304);
    expect(valuesOf(answer, "etag")).toEqual(['"x"']);
    expect(valuesOf(slot.requests.at(-1) ?? { headers: [] }, "if-none-match")).toEqual(['"x"']);
    expect((await client.send(get()).response()).status).toBe(304);
  });

  test.each([200, 201, 206, 301, 302, 404, 418, 451, 500, 503, 599])(
    "RFC 9110 §15: status %i comes through with its reason and body",
    async (status) => {
      script = () => `HTTP/1.1 ${status} Because\r\nContent-Length: 3\r\n\r\nwhy`;
      const answer = await exchange(site, get());
      expect([answer.status, answer.reason, answer.body.toString()]).toEqual([status, "Because", "why"]);
    },
  );

  test("RFC 9112 §4: a response without a reason phrase is a response", async () => {
    script = () => "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok";
    expect((await exchange(site, get())).body.toString()).toBe("ok");
  });

  test("RFC 9110 §10.1.1: the client is told to continue when the slot says so, and its body then passes", async () => {
    early = (head, socket) => {
      if (/^expect: 100-continue/im.test(head)) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    };
    script = ({ body }) => ok(`got ${body}`);
    using client = await WireClient.open(site);
    await client.send(waiting("/accepted", 5)).seen("100 Continue");
    const answer = await client.send("hello").response("POST");
    expect(answer.informational.map(({ status }) => status)).toEqual([100]);
    expect(answer.body.toString()).toBe("got hello");
  });

  test("RFC 9110 §10.1.1: a slot that refuses before the body is heard, and no body is read into the next request", async () => {
    early = (head, socket) => {
      if (/^expect: 100-continue/im.test(head)) socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    };
    using client = await WireClient.open(site);
    const answer = await client.send(waiting("/refused", 5)).response("POST");
    expect(answer.status).toBe(413);
    expect(answer.informational).toEqual([]);
    early = () => undefined;
    script = ({ line }) => ok(line);
    if (valuesOf(answer, "connection").includes("close")) await client.end();
    else expect((await client.send(`hello${get("/next")}`).response()).body.toString()).toBe("GET /next HTTP/1.1");
  });

  test("RFC 9110 §10.1.1: a client that does not wait for 100 is served all the same", async () => {
    script = ({ body }) => ok(`got ${body}`);
    const answer = await exchange(site, `${waiting("/impatient", 5)}hello`, "POST");
    expect(answer.body.toString()).toBe("got hello");
  });

  test("RFC 8297 §2: 103 Early Hints come through before the answer, each with its headers", async () => {
    script = () =>
      `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.js>; rel=preload\r\n\r\n${ok("page")}`;
    const answer = await exchange(site, get());
    expect(answer.informational.map((hint) => [hint.status, valuesOf(hint, "link")])).toEqual([
      [103, ["</a.css>; rel=preload"]],
      [103, ["</b.js>; rel=preload"]],
    ]);
    expect(answer.body.toString()).toBe("page");
  });

  test("RFC 9110 §15.2: an HTTP/1.0 client never gets an informational response", async () => {
    script = () => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok("page")}`;
    const answer = await exchange(site, request("GET / HTTP/1.0", "Host: app.test"));
    expect(answer.informational).toEqual([]);
    expect(answer.body.toString()).toBe("page");
  });

  const chunkedAnswer = (...trailers: readonly string[]): string =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\n${trailers.join("\r\n")}\r\n\r\n`;

  test("RFC 9112 §7.1.2: trailers travel both ways", async () => {
    script = () => chunkedAnswer("X-Sum: 7");
    const head = request(
      "POST / HTTP/1.1",
      "Host: app.test",
      "TE: trailers",
      "Trailer: X-Up",
      "Transfer-Encoding: chunked",
    );
    const answer = await exchange(site, `${head}2\r\nhi\r\n0\r\nX-Up: 1\r\n\r\n`);
    expect(valuesOf({ headers: answer.trailers }, "x-sum")).toEqual(["7"]);
    const seen = slot.requests.at(-1);
    expect(seen?.trailers.map(([name, value]) => [name.toLowerCase(), value])).toEqual([["x-up", "1"]]);
    expect(valuesOf(seen ?? { headers: [] }, "te")).toEqual(["trailers"]);
  });

  test("RFC 9110 §6.5.1: trailers of a client that could frame or route end at the proxy", async () => {
    const head = request("POST / HTTP/1.1", "Host: app.test", "Transfer-Encoding: chunked");
    await exchange(site, `${head}2\r\nhi\r\n0\r\nX-Up: 1\r\nHost: evil\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n`);
    expect(slot.requests.at(-1)?.trailers.map(([name]) => name.toLowerCase())).toEqual(["x-up"]);
  });

  test("RFC 9110 §6.5.1: trailers of a slot that could frame end at the proxy", async () => {
    script = () => chunkedAnswer("X-Sum: 7", "Content-Length: 9");
    const answer = await exchange(site, get());
    expect(answer.trailers.map(([name]) => name.toLowerCase())).toEqual(["x-sum"]);
  });

  test("RFC 9112 §6.3: a body that ends with the connection is whole, and so is the client's", async () => {
    script = (_, socket) => {
      socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end");
      return undefined;
    };
    expect((await exchange(site, get())).body.toString()).toBe("until the end");
  });

  test("RFC 9112 §9.3: many requests of one client use few connections to the slot", async () => {
    const before = slot.connections;
    using client = await WireClient.open(site);
    for (let count = 0; count < 50; count++) expect((await client.send(get()).response()).status).toBe(200);
    expect(slot.connections - before).toBeLessThan(10);
  });

  test("RFC 9112 §9.6: Connection: close of the client ends its connection after the answer", async () => {
    using client = await WireClient.open(site);
    const answer = await client.send(get("/", "Connection: close")).response();
    expect(valuesOf(answer, "connection")).toEqual(["close"]);
    expect(await client.end()).toBe("");
  });

  test("RFC 9112 §9.6: Connection: close of the slot is not the client's matter", async () => {
    script = (_, socket) => {
      socket.end(ok("last", "Connection: close"));
      return undefined;
    };
    using client = await WireClient.open(site);
    expect((await client.send(get()).response()).body.toString()).toBe("last");
    expect((await client.send(get()).response()).body.toString()).toBe("last");
  });
});
