import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import type { SiteUnderTest } from "./support/engine-under-test.ts";
import { valuesOf } from "./support/response-reader.ts";
import { type ScriptedSlot, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { exchange, get, request, WireClient } from "./support/wire-client.ts";

eachEngine((startSite) => {
  let slot: ScriptedSlot;
  let site: SiteUnderTest;

  beforeAll(async () => {
    slot = await startScriptedSlot();
    site = await startSite({
      slots: slotsAt(slot.port),
      bindings: [
        { name: "app.test", kind: "public", bindingPort: 80 },
        { name: "intern", kind: "internal", bindingPort: 80 },
        { name: "*.many.test", kind: "public", bindingPort: 80 },
        { name: "other-port.test", kind: "public", bindingPort: 8080 },
      ],
    });
  });

  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await slot[Symbol.asyncDispose]();
  });

  const statusFor = async (host: string): Promise<number> =>
    (await exchange(site, request("GET / HTTP/1.1", `Host: ${host}`))).status;

  test.each([
    ["RFC 9110 §4.2.3: the host is compared without regard to case", "APP.TEST"],
    ["RFC 9110 §4.2.3: a trailing dot names the same host", "app.test."],
    ["RFC 9110 §7.2: a port in Host is part of it, not of the name", "app.test:80"],
    ["RFC 9110 §7.2: a port in Host may be that of an edge in front", "app.test:8443"],
    ["a name without a dot is a name", "intern"],
    ["a wildcard binding takes one label", "one.many.test"],
  ])("%s", async (_, host) => {
    expect(await statusFor(host)).toBe(200);
  });

  test.each([
    ["RFC 9110 §7.4: a host nobody serves is answered 421", "unknown.test"],
    ["RFC 9110 §7.4: a name below a bound name is another name", "www.app.test"],
    ["RFC 9110 §7.4: a name above a bound name is another name", "test"],
    ["RFC 9110 §7.4: a wildcard binding does not take two labels", "a.b.many.test"],
    ["RFC 9110 §7.4: a wildcard binding does not take its own parent", "many.test"],
    ["RFC 9110 §7.4: a binding of another port is not served here", "other-port.test"],
    ["RFC 9110 §7.4: an address is not a name that somebody bound", "127.0.0.1"],
    ["RFC 9110 §7.4: an IPv6 address is not a name that somebody bound", "[::1]"],
    ["RFC 9110 §7.4: a name of the language the engine is written in is not bound", "constructor"],
  ])("%s", async (_, host) => {
    const before = slot.requests.length;
    expect(await statusFor(host)).toBe(421);
    expect(slot.requests.length).toBe(before);
  });

  test("RFC 9112 §3.2.2: a target in absolute form reaches the slot in origin form", async () => {
    const answer = await exchange(site, request("GET http://app.test/a?b=c HTTP/1.1", "Host: app.test"));
    expect(answer.status).toBe(200);
    expect(slot.requests.at(-1)?.line).toBe("GET /a?b=c HTTP/1.1");
  });

  test.each([
    ["http://app.test", "/"],
    ["http://app.test?q=1", "/?q=1"],
  ])("RFC 9112 §3.2.1: the target %s, which has no path, reaches the slot as %s", async (target, seen) => {
    expect((await exchange(site, request(`GET ${target} HTTP/1.1`, "Host: app.test"))).status).toBe(200);
    expect(slot.requests.at(-1)?.line).toBe(`GET ${seen} HTTP/1.1`);
  });

  test("RFC 9112 §3.2.1: path and query reach the slot byte for byte", async () => {
    const target = "/a/../b//c;x=1/%2e%2E/%00%0d%0a?q=%20+&&=?/";
    expect((await exchange(site, get(target))).status).toBe(200);
    expect(slot.requests.at(-1)?.line).toBe(`GET ${target} HTTP/1.1`);
  });

  test("RFC 9112 §3.2.4: OPTIONS * reaches the slot as it is", async () => {
    expect((await exchange(site, request("OPTIONS * HTTP/1.1", "Host: app.test"))).status).toBe(200);
    expect(slot.requests.at(-1)?.line).toBe("OPTIONS * HTTP/1.1");
  });

  test("RFC 9110 §9.1: methods the proxy has no opinion about pass", async () => {
    for (const method of ["PATCH", "PROPFIND", "REPORT", "QUERY", "PURGE"]) {
      expect((await exchange(site, request(`${method} / HTTP/1.1`, "Host: app.test"))).status).toBe(200);
      expect(slot.requests.at(-1)?.line).toBe(`${method} / HTTP/1.1`);
    }
  });

  test("RFC 9110 §7.4: a 421 leaves the connection usable for the hosts that are served", async () => {
    using client = await WireClient.open(site);
    const unknown = await client.send(request("GET / HTTP/1.1", "Host: unknown.test")).response();
    expect(unknown.status).toBe(421);
    expect(valuesOf(unknown, "connection")).not.toContain("close");
    expect((await client.send(get()).response()).status).toBe(200);
  });
});
