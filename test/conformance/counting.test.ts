import { once } from "node:events";
import { connect } from "node:net";
import { latencyBucketOf } from "@sluice/core/health/latency-buckets";
import { writeProxyHeader } from "@sluice/proxy/serving/proxy-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { Part, SiteUnderTest } from "./support/engine-under-test.ts";
import { valuesOf, type WireResponse } from "./support/response-reader.ts";
import { type ScriptedSlot, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { until } from "./support/until.ts";
import { exchange, get, request, WireClient } from "./support/wire-client.ts";

/** What a slow answer takes. */
const slowMs = 30;

const sum = (counts: readonly number[]): number => counts.reduce((all, each) => all + each, 0);

const announced = (source: string, port: number): Buffer =>
  writeProxyHeader({ source: { address: source, port: 5 }, destination: { address: source, port }, tls: false });

eachEngine((startSite) => {
  let slot: ScriptedSlot;
  let site: SiteUnderTest;

  beforeAll(async () => {
    slot = await startScriptedSlot(({ line }, socket) => {
      const [, status] = line.split("/");
      if (status?.startsWith("never")) return undefined;
      const answer = `HTTP/1.1 ${status?.slice(0, 3)} X\r\nContent-Length: 0\r\n\r\n`;
      if (!status?.includes("slow")) return answer;
      setTimeout(() => socket.write(answer), slowMs);
      return undefined;
    });
    site = await startSite({
      slots: slotsAt(slot.port),
      bindings: [
        { name: "app.test", kind: "public", bindingPort: 80 },
        { name: "quiet.test", kind: "public", bindingPort: 80 },
      ],
    });
  });

  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await slot[Symbol.asyncDispose]();
  });

  const probing = (path: string): string => get(path, `X-Sluice-Probe: ${site.probeToken}`);

  test("every process counts exactly what was answered, by binding, outcome and kind", async () => {
    const before = await Promise.all(site.parts.map((part) => site.counters(part)));
    for (let round = 0; round < 3; round++) await exchange(site, get("/200"));
    for (let round = 0; round < 2; round++) await exchange(site, get("/302"));
    for (const status of [304, 404, 401, 429, 400, 500]) await exchange(site, get(`/${status}`));
    for (let round = 0; round < 4; round++) await exchange(site, probing("/200"));
    await exchange(site, get("/200", "X-Sluice-Probe: guessed"));
    await exchange(site, request("GET / HTTP/1.1", "Host: unknown.test"));
    for (const [at, part] of site.parts.entries()) {
      const { bindings, refused } = await site.counters(part);
      expect(bindings.map(({ name, bindingPort }) => [name, bindingPort])).toEqual([
        ["app.test", 80],
        ["quiet.test", 80],
      ]);
      const answered = { ok: 5, redirected: 2, "not-found": 1, denied: 1, limited: 1, refused: 1, failed: 1 };
      expect(bindings[0]?.users.outcomes).toEqual(answered);
      expect(bindings[0]?.probes.outcomes).toEqual({ ok: 4 });
      expect(bindings[1]).toMatchObject({ users: { outcomes: {} }, probes: { outcomes: {} } });
      expect(refused.unknownHost).toBe((before[at]?.refused.unknownHost ?? 0) + (at === 0 ? 1 : 0));
      expect(sum(bindings[0]?.users.latency ?? [])).toBe(sum(Object.values(answered)));
      expect(bindings[0]?.users.sumMs).toBeGreaterThan(0);
    }
  });

  test("the time to the head of an answer is counted, as long as the slot took", async () => {
    const latencyOf = async (part: Part): Promise<readonly number[]> => {
      return (await site.counters(part)).bindings[0]?.users.latency ?? [];
    };
    const before = await Promise.all(site.parts.map(latencyOf));
    await exchange(site, get("/200?slow"));
    for (const [at, part] of site.parts.entries()) {
      const added = (await latencyOf(part)).map((count, bucket) => count - (before[at]?.[bucket] ?? 0));
      expect(added.indexOf(1)).toBeGreaterThanOrEqual(latencyBucketOf(slowMs) - 1);
    }
  });

  test("a client that goes away before it is answered is counted as aborted", async () => {
    using leaving = await WireClient.open(site);
    leaving.send(get("/never"));
    await until(async () => (await site.status()).inFlight.blue === 1);
    leaving.socket.destroy();
    for (const part of site.parts) {
      await until(async () => (await site.counters(part)).bindings[0]?.users.outcomes.aborted === 1);
    }
  });

  test("what is no request is counted as malformed, once", async () => {
    const part = site.parts[0] ?? "site-proxy";
    const before = (await site.counters(part)).refused.malformed;
    for (const bytes of [request("GET / HTTP/1.1"), "\0\r\n\r\n", request("CONNECT a:1 HTTP/1.1", "Host: app.test")]) {
      using client = await WireClient.open(site);
      await client.send(bytes).end();
    }
    expect((await site.counters(part)).refused.malformed).toBe(before + 3);
  });

  test("PROXY protocol §2.2: a probe on the probe socket is answered as its binding port says and says who served", async () => {
    for (const part of site.parts) {
      const socket = connect(site.probeSocket(part));
      await once(socket, "connect");
      using client = new WireClient(socket);
      const answer = await client.send(announced("2001:db8::7", 80)).send(probing("/200")).response();
      expect(valuesOf(answer, "x-sluice-served-by")).toEqual(["web-1/shop/blue/sha256:blue"]);
      const seen = slot.requests.at(-1) ?? { headers: [] };
      expect(valuesOf(seen, "forwarded")).toEqual(['for="[2001:db8::7]";host=app.test;proto=http']);
      expect(valuesOf(seen, "x-sluice-probe")).toEqual([]);
    }
  });

  test("a user never learns who served, whatever token it guesses", async () => {
    for (const asked of [get("/200"), get("/200", "X-Sluice-Probe: guessed"), get("/200", "X-Sluice-Probe:")]) {
      expect(valuesOf(await exchange(site, asked), "x-sluice-served-by")).toEqual([]);
    }
  });

  test.each([
    ["a request without a PROXY header", Buffer.from(get())],
    ["a truncated TLV", Buffer.from("0d0a0d0a000d0a515549540a2111000d7f0000017f00000100010050200005", "hex")],
  ])("PROXY protocol §2: %s on the probe socket is cut without an answer", async (_, bytes) => {
    for (const part of site.parts) {
      const socket = connect(site.probeSocket(part));
      await once(socket, "connect");
      using client = new WireClient(socket);
      expect(await client.send(bytes).end()).toBe("");
    }
  });

  test("PROXY protocol §2.1: version 1 on the probe socket is cut, or obeyed", async () => {
    const answer = await saidToProbeSocket(`PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n${get("/200")}`);
    if (answer === "cut") return;
    expect(answer.status).toBe(200);
    expect(valuesOf(slot.requests.at(-1) ?? { headers: [] }, "x-forwarded-for")).toEqual(["192.0.2.1"]);
  });

  test("PROXY protocol §2.2: the LOCAL command, which names no binding port, is cut, or answered for none", async () => {
    const header = Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex");
    const answer = await saidToProbeSocket(Buffer.concat([header, Buffer.from(get("/200"))]));
    if (answer !== "cut") expect(answer.status).toBe(421);
  });

  const saidToProbeSocket = async (bytes: Buffer | string): Promise<WireResponse | "cut"> => {
    const socket = connect(site.probeSocket(site.parts[0] ?? "site-proxy"));
    await once(socket, "connect");
    using client = new WireClient(socket);
    return await client
      .send(bytes)
      .response()
      .catch(() => "cut" as const);
  };

  test("PROXY protocol §2: a header that comes byte by byte is a header, or cut", async () => {
    const socket = connect(site.probeSocket(site.parts[0] ?? "site-proxy"));
    await once(socket, "connect");
    using client = new WireClient(socket);
    for (const byte of Buffer.concat([announced("192.0.2.9", 80), Buffer.from(get("/200"))])) {
      socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    const answer = await client.response().catch(() => "cut" as const);
    if (answer === "cut") return;
    expect(answer.status).toBe(200);
    expect(valuesOf(slot.requests.at(-1) ?? { headers: [] }, "x-forwarded-for")).toEqual(["192.0.2.9"]);
  });
});
