import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { SiteUnderTest } from "./support/engine-under-test.ts";
import { valuesOf } from "./support/response-reader.ts";
import { type ScriptedSlot, type SlotRequest, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { exchange, get, request } from "./support/wire-client.ts";

/** What a slot is told by the proxy and by nobody else. */
const ours = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-public-host",
  "x-sluice-trace",
];

type Pairs = readonly (readonly [name: string, value: string])[];

/** Names are compared without regard to case (RFC 9110 §5.1). */
const lowerCased = (headers: Pairs): Pairs => headers.map(([name, value]) => [name.toLowerCase(), value]);

const namesOf = (headers: Pairs): readonly string[] => headers.map(([name]) => name);

/** The headers between Host and what the proxy adds. */
const passed = (seen: SlotRequest | undefined) =>
  (seen?.headers ?? []).filter(([name]) => !["host", "connection", ...ours].includes(name.toLowerCase()));

eachEngine((startSite) => {
  let slot: ScriptedSlot;
  let site: SiteUnderTest;
  let answer = "";

  beforeAll(async () => {
    slot = await startScriptedSlot(() => answer || "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    site = await startSite({ slots: slotsAt(slot.port) });
  });

  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await slot[Symbol.asyncDispose]();
  });

  const seenBySlot = async (bytes: string): Promise<SlotRequest | undefined> => {
    answer = "";
    expect((await exchange(site, bytes)).status).toBe(200);
    return slot.requests.at(-1);
  };

  const mixed: Pairs = [
    ["aCCept", "text/html;q=0.9,  */*"],
    ["Cookie", 'a=1; b="2"'],
    ["X-List", "one"],
    ["x-list", "two, three"],
    ["X-Empty", ""],
    ["X-Latin", "caf\xe9"],
    ["Cookie", "c=3"],
    ["Authorization", "Basic dTpw"],
  ];
  const saidBy = (headers: Pairs): readonly string[] => headers.map(([name, value]) => `${name}: ${value}`);

  test("RFC 9110 §5.3: request headers keep order, duplicates and their exact values", async () => {
    expect(lowerCased(passed(await seenBySlot(get("/", ...saidBy(mixed)))))).toEqual(lowerCased(mixed));
  });

  test("the names of request headers keep their case", async () => {
    expect(namesOf(passed(await seenBySlot(get("/", ...saidBy(mixed)))))).toEqual(namesOf(mixed));
  });

  test("RFC 9110 §7.6.1: hop-by-hop headers and those named in Connection end at the proxy", async () => {
    const seen = await seenBySlot(
      get(
        "/",
        "Connection: keep-alive, X-Private",
        "Connection: X-Secret ,, x-other",
        "X-Private: 1",
        "X-Secret: 2",
        "X-Other: 3",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic eA==",
        "TE: gzip",
        "X-Kept: 4",
      ),
    );
    expect(lowerCased(passed(seen))).toEqual([["x-kept", "4"]]);
  });

  test("RFC 9110 §7.6.1: a client can't have the proxy's own headers dropped by naming them in Connection", async () => {
    const seen = await seenBySlot(
      get("/", "Connection: X-Forwarded-For, Host, Forwarded, X-Public-Host, Content-Length"),
    );
    for (const name of ["host", ...ours]) expect(valuesOf(seen ?? { headers: [] }, name)).toHaveLength(1);
  });

  test("RFC 7239 §8.1: what a client says about its own origin is replaced by what the proxy knows", async () => {
    const spoofed = [
      "Forwarded: for=6.6.6.6;host=evil",
      "X-Forwarded-For: 6.6.6.6",
      "x-forwarded-host: evil",
      "X-Forwarded-Proto: https",
      "X-Forwarded-Port: 1",
      "X-Forwarded-Prefix: /evil",
      "X-Forwarded-Anything: evil",
      "X-Original-Host: evil",
      "X-Original-URL: /evil",
      "X-Public-Host: evil",
      "X-Real-IP: 6.6.6.6",
      "Proxy: http://evil",
      "X_Forwarded_For: 6.6.6.6",
      "X-Forwarded_Host: evil",
      "X_Public_Host: evil",
      "X-Sluice-Probe: guessed",
      "X-Sluice-Trace: chosen",
      "X-Sluice-Served-By: me",
    ];
    const seen = await seenBySlot(get("/", ...spoofed));
    expect(passed(seen)).toEqual([]);
    expect(JSON.stringify(seen?.headers)).not.toMatch(/evil|6\.6\.6\.6|guessed|chosen/);
    const [forwardedFor] = valuesOf(seen ?? { headers: [] }, "x-forwarded-for");
    expect(forwardedFor).toBe("127.0.0.1");
  });

  test("RFC 7239 §4: Forwarded says for, host and proto once, and quotes a host with a port", async () => {
    const seen = await seenBySlot(request("GET / HTTP/1.1", "Host: App.Test.:8080"));
    const headers = seen ?? { headers: [] };
    expect(valuesOf(headers, "forwarded")).toEqual(['for=127.0.0.1;host="app.test:8080";proto=http']);
    expect(valuesOf(headers, "x-forwarded-host")).toEqual(["app.test:8080"]);
    expect(valuesOf(headers, "x-forwarded-port")).toEqual(["8080"]);
    expect(valuesOf(headers, "x-forwarded-proto")).toEqual(["http"]);
    expect(valuesOf(headers, "x-public-host")).toEqual(["app.test:8080"]);
    expect(valuesOf(headers, "host")).toEqual(["app.test:8080"]);
  });

  test("every request has an id of its own for the traces of its way", async () => {
    const traces = new Set<string>();
    for (let round = 0; round < 5; round++) {
      traces.add(valuesOf((await seenBySlot(get())) ?? { headers: [] }, "x-sluice-trace").join());
    }
    expect(traces.size).toBe(5);
  });

  test("RFC 9110 §7.2: with the internal host the slot gets its own name and the public one beside it", async () => {
    await using internal = await startSite({
      slots: slotsAt(slot.port),
      forward: { host: "internal", internalName: "app.internal" },
    });
    expect((await exchange(internal, get())).status).toBe(200);
    const headers = slot.requests.at(-1) ?? { headers: [] };
    expect(valuesOf(headers, "host")).toEqual(["app.internal"]);
    expect(valuesOf(headers, "x-public-host")).toEqual(["app.test"]);
    expect(valuesOf(headers, "x-forwarded-host")).toEqual(["app.test"]);
  });

  test("RFC 7239 §6.1: an IPv6 client is written in brackets and quotes", async () => {
    await using six = await startSite({ slots: slotsAt(slot.port), address: "::1" });
    expect((await exchange({ port: six.port, address: "::1" }, get())).status).toBe(200);
    const headers = slot.requests.at(-1) ?? { headers: [] };
    expect(valuesOf(headers, "forwarded")).toEqual(['for="[::1]";host=app.test;proto=http']);
    expect(valuesOf(headers, "x-forwarded-for")).toEqual(["::1"]);
  });

  const answered: Pairs = [
    ["dAte", "Mon, 01 Jan 2024 00:00:00 GMT"],
    ["Set-Cookie", "a=1; Path=/"],
    ["X-List", "one"],
    ["SERVER", "slot/1"],
    ["set-cookie", "b=2, c"],
    ["X-Empty", ""],
    ["X-Latin", "caf\xe9"],
    ["X-List", "two"],
    ["ETag", 'W/"x"'],
  ];

  const gotByClient = async () => {
    answer = `HTTP/1.1 200 All Right\r\n${saidBy(answered).join("\r\n")}\r\nContent-Length: 2\r\n\r\nok`;
    const got = await exchange(site, get());
    const ofTheConnection = ["connection", "keep-alive", "content-length"];
    return { ...got, kept: got.headers.filter(([name]) => !ofTheConnection.includes(name.toLowerCase())) };
  };

  test("RFC 9110 §5.3: response headers keep order, duplicates and their exact values", async () => {
    const { reason, kept, body } = await gotByClient();
    expect([reason, body.toString()]).toEqual(["All Right", "ok"]);
    expect(lowerCased(kept)).toEqual(lowerCased(answered));
  });

  test("the names of response headers keep their case", async () => {
    expect(namesOf((await gotByClient()).kept)).toEqual(namesOf(answered));
  });

  test("RFC 9110 §7.6.1: hop-by-hop headers of a response and those it names in Connection end at the proxy", async () => {
    answer =
      "HTTP/1.1 200 OK\r\nConnection: X-Private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: timeout=77\r\n" +
      "Proxy-Connection: x\r\nUpgrade: h2c\r\nX-Kept: 2\r\nX-Sluice-Served-By: forged\r\nContent-Length: 0\r\n\r\n";
    const got = await exchange(site, get());
    const names = got.headers.map(([name]) => name.toLowerCase());
    expect(names).toContain("x-kept");
    for (const name of ["x-private", "proxy-connection", "upgrade", "x-sluice-served-by"])
      expect(names).not.toContain(name);
    expect(valuesOf(got, "keep-alive").join()).not.toContain("77");
  });

  test("RFC 9110 §6.6.1: a response without Date gets one from the proxy", async () => {
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const [date = ""] = valuesOf(await exchange(site, get()), "date");
    expect(Number.isNaN(Date.parse(date))).toBe(false);
  });
});
