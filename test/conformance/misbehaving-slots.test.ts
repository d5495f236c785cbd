import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { SiteUnderTest } from "./support/engine-under-test.ts";
import { valuesOf } from "./support/response-reader.ts";
import { ok, type Script, type ScriptedSlot, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { until } from "./support/until.ts";
import { exchange, get, request, WireClient } from "./support/wire-client.ts";

/** What is no response of HTTP/1.1; a client is answered 502 and never sees a byte of it. */
const unreadable: readonly (readonly [string, string])[] = [
  ["RFC 9112 §4: a status line that is none", "HELLO\r\n\r\n"],
  ["RFC 9112 §4: a status with two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["RFC 9112 §4: another version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  [
    "RFC 9112 §6.3: two different Content-Lengths",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  ],
  ["RFC 9112 §6.3: a Content-Length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nab"],
  ["RFC 9112 §6.1: an unknown transfer encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab"],
  ["RFC 9112 §5: a header without a colon", "HTTP/1.1 200 OK\r\nNonsense\r\nContent-Length: 0\r\n\r\n"],
  ["RFC 9112 §5.1: white space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"],
  ["RFC 9110 §5.5: NUL in a header", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"],
];

interface Ambiguous {
  readonly name: string;
  readonly bytes: string;
  /** All that a client may see of it, when it sees anything but 502. */
  readonly got: { readonly body: string; readonly header: readonly [name: string, values: readonly string[]] };
}

/** Responses that a recipient may refuse or may read in one way, if it then forwards that reading and nothing else. */
const ambiguous: readonly Ambiguous[] = [
  {
    name: "RFC 9112 §6.3: Content-Length beside Transfer-Encoding",
    bytes: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    got: { body: "hello", header: ["content-length", []] },
  },
  {
    name: "RFC 9112 §2.2: a line that ends with LF alone",
    bytes: "HTTP/1.1 200 OK\r\nX: a\nX-Next: b\r\nContent-Length: 5\r\n\r\nhello",
    got: { body: "hello", header: ["x-next", ["b"]] },
  },
];

eachEngine((startSite) => {
  let slot: ScriptedSlot;
  let site: SiteUnderTest;
  let script: Script = () => ok();

  beforeAll(async () => {
    slot = await startScriptedSlot((seen, socket) => script(seen, socket));
    site = await startSite({ slots: slotsAt(slot.port), limits: { responseTimeoutMs: 400 } });
  });

  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await slot[Symbol.asyncDispose]();
  });

  /** Answers with these bytes and ends the connection. */
  const saying =
    (bytes: string): Script =>
    (_, socket) => {
      socket.end(Buffer.from(bytes, "latin1"));
      return undefined;
    };

  test.each(unreadable)("%s in a response is answered for with 502", async (_, bytes) => {
    script = saying(bytes);
    using client = await WireClient.open(site);
    expect((await client.send(get()).response()).status).toBe(502);
    script = () => ok();
    expect((await client.send(get()).response()).status).toBe(200);
  });

  test.each(ambiguous.map((each) => [each.name, each] as const))(
    "%s in a response is answered for with 502 or has one reading",
    async (_, each) => {
      const { bytes, got } = each;
      script = saying(bytes);
      using client = await WireClient.open(site);
      const answer = await client.send(get()).response();
      script = () => ok("next");
      expect((await client.send(get()).response()).body.toString()).toBe("next");
      if (answer.status === 502) return;
      const [name, values] = got.header;
      expect([answer.status, answer.body.toString(), valuesOf(answer, name)]).toEqual([200, got.body, values]);
    },
  );

  test("RFC 9110 §15.6.3: a slot that closes without a word is answered for with 502", async () => {
    script = saying("");
    expect((await exchange(site, request("POST / HTTP/1.1", "Host: app.test", "Content-Length: 0"))).status).toBe(502);
    expect((await exchange(site, get())).status).toBe(502);
  });

  test("RFC 9112 §8: a body cut short by its slot is cut short for the client, never made to look whole", async () => {
    script = saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    await expect(exchange(site, get())).rejects.toThrow(/ended after .*abc/);
    script = saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await expect(exchange(site, get())).rejects.toThrow(/ended after .*abc/);
  });

  test("RFC 9112 §7.1: a response whose chunks break is cut short or answered for with 502, never made to look whole", async () => {
    script = saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
    const status = await exchange(site, get()).then(
      (answer) => answer.status,
      () => "cut",
    );
    expect(status).toBeOneOf([502, "cut"]);
  });

  test("RFC 9112 §9.2: bytes behind a response never become the answer to another request", async () => {
    script = () => `${ok("mine")}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`;
    using client = await WireClient.open(site);
    for (let round = 0; round < 10; round++) {
      expect((await client.send(get()).response()).body.toString()).toBe("mine");
    }
  });

  test("RFC 9112 §9.2: a slot that speaks without being asked is not listened to", async () => {
    script = (_, socket) => {
      setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), 10);
      return ok("mine");
    };
    using client = await WireClient.open(site);
    for (let round = 0; round < 10; round++) {
      expect((await client.send(get()).response()).body.toString()).toBe("mine");
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  });

  test.each([
    ["Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"],
    ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
  ])("a slot that falls silent in the middle of a body with %s is cut after responseTimeoutMs", async (_, bytes) => {
    script = () => bytes;
    using client = await WireClient.open(site);
    const began = performance.now();
    await expect(
      client
        .send(get())
        .response()
        .then(({ body }) => `whole: ${body}`),
    ).rejects.toThrow(/ended after .*abc/);
    const waited = performance.now() - began;
    expect(waited).toBeGreaterThan(350);
    expect(waited).toBeLessThan(5000);
    await until(async () => (await site.status()).inFlight.blue === 0);
  });

  test("a slot that falls silent in the middle of a body with neither length nor chunks is let go after responseTimeoutMs", async () => {
    script = () => "HTTP/1.1 200 OK\r\n\r\nabc";
    using client = await WireClient.open(site);
    const began = performance.now();
    await client.send(get()).end();
    expect(performance.now() - began).toBeGreaterThan(350);
    expect(performance.now() - began).toBeLessThan(5000);
    await until(async () => (await site.status()).inFlight.blue === 0);
  });

  test("a slot that falls silent in the middle of its head is answered for with 504", async () => {
    script = () => "HTTP/1.1 200 OK\r\nContent-Le";
    expect((await exchange(site, get())).status).toBe(504);
  });

  test("RFC 9110 §15.2: a slot that says continue and then nothing more is answered for with 504", async () => {
    script = () => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    const answer = await exchange(site, get());
    expect(answer.status).toBe(504);
    expect(valuesOf(answer, "link")).toEqual([]);
  });
});
