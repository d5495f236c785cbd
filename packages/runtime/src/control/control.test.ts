import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { callControl, streamControl } from "./call-control.ts";
import { route, Streamed } from "./route.ts";
import { serveControl } from "./serve-control.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-control-"));
  path = join(dir, "c.sock");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const unreachable = { unreachable: "proxy-unreachable" } as const;
const hello = (who: string) =>
  route({
    method: "GET",
    path: "/hello/:name",
    handle: ({ params, query }) => ({ who, to: params.name, as: query.get("as") }),
  });
const order = route({
  method: "PUT",
  path: "/order",
  body: z.strictObject({ count: z.int() }),
  handle: ({ body }) => ({ twice: body.count * 2 }),
});

test("an order is answered with JSON, its path and query parts decoded", async () => {
  await using _server = await serveControl({ path, routes: [hello("a"), order] });
  expect(await callControl(path, "GET", "/hello/b%2Fc?as=d", undefined, unreachable)).toEqual({
    who: "a",
    to: "b/c",
    as: "d",
  });
  expect(await callControl(path, "PUT", "/order", { count: 2 }, unreachable)).toEqual({ twice: 4 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("what is wrong with a body is named in full", async () => {
  await using _server = await serveControl({ path, routes: [order] });
  const call = callControl(path, "PUT", "/order", { count: "x", extra: 1 }, unreachable);
  await expect(call).rejects.toMatchObject({ reason: "message-invalid" });
  await expect(call).rejects.toThrow(/count.*extra/s);
});

test("an unknown route, a wrong method and a body that is no JSON are problems", async () => {
  await using _server = await serveControl({ path, routes: [order] });
  await expect(callControl(path, "GET", "/nowhere", undefined, unreachable)).rejects.toMatchObject({
    reason: "route-unknown",
  });
  await expect(callControl(path, "POST", "/order", {}, unreachable)).rejects.toMatchObject({ reason: "route-unknown" });
  expect(await rawAnswer("PUT /order HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n{a}")).toMatch(
    /^HTTP\/1.1 400 .*message-invalid/s,
  );
});

test("a body over the limit is refused, and the server lives on", async () => {
  await using _server = await serveControl({ path, routes: [order], bodyBytesMax: 1000 });
  for (const size of [1001, 12_000, 200_000]) {
    const call = callControl(path, "PUT", "/order", { count: "x".repeat(size) }, unreachable);
    await expect(call).rejects.toBeInstanceOf(Problem);
  }
  await expect(callControl(path, "PUT", "/order", { count: "x".repeat(5000) }, unreachable)).rejects.toMatchObject({
    reason: "message-invalid",
  });
  expect(await callControl(path, "PUT", "/order", { count: 3 }, unreachable)).toEqual({ twice: 6 });
});

test("garbage on the socket is answered 400 and does no harm", async () => {
  await using _server = await serveControl({ path, routes: [order] });
  expect(await rawAnswer("\u0000\u0001\u0002 what is this\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
  expect(await callControl(path, "PUT", "/order", { count: 3 }, unreachable)).toEqual({ twice: 6 });
});

test("a problem arrives with reason, hint and causes; anything else thrown arrives as internal", async () => {
  const failing = route({
    method: "POST",
    path: "/fail",
    handle: () => {
      throw new Problem("port-taken", "cannot bind", { hint: "ss -ltnp", cause: new Error("EADDRINUSE") });
    },
  });
  const bug = route({ method: "POST", path: "/bug", handle: () => Promise.reject(new TypeError("x is undefined")) });
  await using _server = await serveControl({ path, routes: [failing, bug] });
  const thrown = await callControl(path, "POST", "/fail", {}, unreachable).catch((error: unknown) => error);
  expect(thrown).toMatchObject({
    reason: "port-taken",
    message: "cannot bind",
    hint: "ss -ltnp",
    cause: { message: "EADDRINUSE" },
  });
  await expect(callControl(path, "POST", "/bug", {}, unreachable)).rejects.toMatchObject({ reason: "internal" });
});

test("nobody there, a stale socket and a file that is no socket are all told as unreachable", async () => {
  await expect(callControl(path, "GET", "/", undefined, unreachable)).rejects.toMatchObject({
    reason: "proxy-unreachable",
  });
  writeFileSync(path, "");
  await expect(callControl(path, "GET", "/", undefined, unreachable)).rejects.toMatchObject({
    reason: "proxy-unreachable",
  });
});

test("a successor takes the path over; the end of its predecessor leaves it alone", async () => {
  const first = await serveControl({ path, routes: [hello("first")] });
  await using _second = await serveControl({ path, routes: [hello("second")] });
  await first[Symbol.asyncDispose]();
  expect(await callControl(path, "GET", "/hello/x", undefined, unreachable)).toMatchObject({ who: "second" });
});

test("stopping waits for an answer under way", async () => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slow = route({
    method: "GET",
    path: "/slow",
    handle: async () => {
      started.resolve();
      await release.promise;
      return { ok: true };
    },
  });
  const server = await serveControl({ path, routes: [slow], drainMs: 10_000 });
  const call = callControl(path, "GET", "/slow", undefined, unreachable);
  await started.promise;
  const stopped = server[Symbol.asyncDispose]();
  release.resolve();
  expect(await call).toEqual({ ok: true });
  await stopped;
  await server.done;
});

test("a call that takes too long ends with deadline-passed, a given-up one with the caller's reason", async () => {
  const never = route({ method: "GET", path: "/never", handle: ({ signal }) => once(signal, "abort") });
  await using _server = await serveControl({ path, routes: [never] });
  await expect(callControl(path, "GET", "/never", undefined, { ...unreachable, timeoutMs: 50 })).rejects.toMatchObject({
    reason: "deadline-passed",
  });
  const giveUp = new AbortController();
  const call = callControl(path, "GET", "/never", undefined, { ...unreachable, signal: giveUp.signal });
  giveUp.abort(new Error("enough"));
  await expect(call).rejects.toThrow("enough");
});

test("a stream is read line by line and ends with its server", async () => {
  const lines = route({
    method: "GET",
    path: "/lines",
    handle: ({ signal }) =>
      new Streamed(
        (async function* () {
          yield { n: 1 };
          yield { n: 2 };
          if (!signal.aborted) await once(signal, "abort");
        })(),
      ),
  });
  const server = await serveControl({ path, routes: [lines] });
  const seen: unknown[] = [];
  for await (const line of streamControl(path, "/lines", unreachable)) {
    seen.push(line);
    if (seen.length === 2) void server[Symbol.asyncDispose]();
  }
  expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
  expect(existsSync(join(dir, "c.sock"))).toBe(true);
});

test("a path too long for a unix socket is refused in words", async () => {
  const long = join(dir, "x".repeat(120));
  await expect(serveControl({ path: long, routes: [] })).rejects.toMatchObject({ reason: "usage-invalid" });
  await expect(callControl(long, "GET", "/", undefined, unreachable)).rejects.toThrow(/bytes, at most 103/);
});

async function rawAnswer(text: string): Promise<string> {
  const socket = connect(path);
  socket.end(text);
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
