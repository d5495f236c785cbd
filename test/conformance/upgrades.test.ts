import { expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { valuesOf } from "./support/response-reader.ts";
import { ok, type ScriptedSlot, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { until } from "./support/until.ts";
import { isUpgrade, switching, upgrade } from "./support/websocket.ts";
import { get, WireClient } from "./support/wire-client.ts";

/** Agrees to every upgrade, says its name, and gives every byte back. */
function startEchoSlot(name = "echo"): Promise<ScriptedSlot> {
  return startScriptedSlot((seen, socket) => {
    if (!isUpgrade(seen)) return ok(name);
    queueMicrotask(() => socket.pipe(socket));
    return `${switching}${name}:`;
  });
}

eachEngine((startSite) => {
  test.concurrent("RFC 6455 §4: an upgrade passes with its headers, then every byte both ways", async () => {
    await using slot = await startEchoSlot();
    await using site = await startSite({ slots: slotsAt(slot.port) });
    using client = await WireClient.open(site);
    const answer = await client.send(upgrade()).response();
    expect(answer.status).toBe(101);
    expect(valuesOf(answer, "upgrade")).toEqual(["websocket"]);
    expect(valuesOf(answer, "connection").join().toLowerCase()).toBe("upgrade");
    expect(valuesOf(answer, "sec-websocket-accept")).toEqual(["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
    const seen = slot.requests[0] ?? { headers: [] };
    expect(valuesOf(seen, "sec-websocket-key")).toEqual(["dGhlIHNhbXBsZSBub25jZQ=="]);
    expect(valuesOf(seen, "x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect((await client.bytes(5)).toString()).toBe("echo:");
    const big = Buffer.alloc(3_000_000, "0123456789");
    client.send(big);
    expect((await client.bytes(big.length)).equals(big)).toBe(true);
    expect((await site.status()).upgrades).toEqual({ blue: 1, green: 0 });
  });

  test.concurrent("an upgraded connection may be silent for longer than responseTimeoutMs", async () => {
    await using slot = await startEchoSlot();
    await using site = await startSite({ slots: slotsAt(slot.port), limits: { responseTimeoutMs: 300 } });
    using client = await WireClient.open(site);
    await client.send(upgrade()).response();
    expect((await client.bytes(5)).toString()).toBe("echo:");
    await new Promise((resolve) => setTimeout(resolve, 900));
    client.send("still");
    expect((await client.bytes(5)).toString()).toBe("still");
  });

  test.concurrent("RFC 9110 §7.8: bytes sent right behind the request reach the other side of the upgrade", async () => {
    await using slot = await startEchoSlot();
    await using site = await startSite({ slots: slotsAt(slot.port) });
    using client = await WireClient.open(site);
    client.send(`${upgrade()}early`);
    expect((await client.response()).status).toBe(101);
    expect((await client.bytes(10)).toString()).toBe("echo:early");
  });

  test.concurrent("RFC 9110 §7.8: a slot that does not upgrade is heard, and nothing becomes a tunnel", async () => {
    await using slot = await startScriptedSlot(() => "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    await using site = await startSite({ slots: slotsAt(slot.port) });
    using client = await WireClient.open(site);
    const answer = await client.send(upgrade()).response();
    expect([answer.status, answer.body.toString()]).toEqual([403, "no"]);
    expect((await site.status()).upgrades).toEqual({ blue: 0, green: 0 });
  });

  test.concurrent("RFC 9110 §15.2.2: a slot that switches without being asked is answered for with 502", async () => {
    await using slot = await startScriptedSlot(() => switching);
    await using site = await startSite({ slots: slotsAt(slot.port) });
    using client = await WireClient.open(site);
    expect((await client.send(get()).response()).status).toBe(502);
  });

  test.concurrent("RFC 6455 §7.1.1: when one side ends, the other is told, and nothing is left", async () => {
    await using slot = await startScriptedSlot((seen, socket) => {
      if (isUpgrade(seen)) socket.on("data", (data) => data.includes("bye") && socket.end("bye"));
      return switching;
    });
    await using site = await startSite({ slots: slotsAt(slot.port) });
    using client = await WireClient.open(site);
    await client.send(upgrade()).response();
    expect(await client.send("bye").end()).toBe("bye");
    client.socket.destroy();
    await until(async () => (await site.status()).upgrades.blue === 0);
  });

  test.concurrent("RFC 6455 §7.1.1: a client that breaks off is noticed by the slot", async () => {
    let gone = false;
    await using slot = await startScriptedSlot((_, socket) => {
      socket.on("close", () => {
        gone = true;
      });
      socket.on("data", () => undefined);
      return switching;
    });
    await using site = await startSite({ slots: slotsAt(slot.port) });
    const client = await WireClient.open(site);
    await client.send(upgrade()).response();
    client.socket.resetAndDestroy();
    await until(() => gone);
    await until(async () => (await site.status()).upgrades.blue === 0);
  });

  test.concurrent("an upgrade stays on its slot through a switch, until the drain limit cuts it", async () => {
    await using blue = await startEchoSlot("blue");
    await using green = await startEchoSlot("green");
    await using site = await startSite({ slots: slotsAt(blue.port, green.port) });
    using old = await WireClient.open(site);
    await old.send(upgrade()).response();
    await old.bytes(5);
    await site.put(slotsAt(blue.port, green.port, "green"));
    using young = await WireClient.open(site);
    await young.send(upgrade()).response();
    expect((await young.bytes(6)).toString()).toBe("green:");
    expect((await old.send("still here").bytes(10)).toString()).toBe("still here");
    expect((await site.status()).upgrades).toEqual({ blue: 1, green: 1 });
    const { ended } = await site.replace("site-proxy", { graceMs: 50, limitMs: 700 });
    const began = performance.now();
    expect((await old.send("and now").bytes(7)).toString()).toBe("and now");
    expect(await ended).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(500);
    await old.end();
    await young.end();
  });
});
