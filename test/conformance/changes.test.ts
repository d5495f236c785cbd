import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startSlot, type TestSlot } from "@sluice/proxy/testing/start-slot";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { valuesOf } from "./support/response-reader.ts";
import { ok, slotsAt, startScriptedSlot } from "./support/scripted-slot.ts";
import { until } from "./support/until.ts";
import { startUserLoad } from "./support/user-load.ts";
import { exchange, get, WireClient } from "./support/wire-client.ts";

let blue: TestSlot;
let green: TestSlot;

/** An application server that takes a moment and says its name. */
const named = (name: string): Promise<TestSlot> =>
  startSlot((req, res) => {
    req.resume().on("end", () => setTimeout(() => res.end(name), 3));
  });

beforeAll(async () => {
  [blue, green] = await Promise.all([named("blue"), named("green")]);
});

afterAll(() => Promise.all([blue, green].map((slot) => slot[Symbol.asyncDispose]())));

eachEngine((startSite, shape) => {
  test("20 switches under load fail no request, and each takes effect with the next request", async () => {
    await using site = await startSite({ slots: slotsAt(blue.port, green.port) });
    const load = startUserLoad({ port: site.port });
    for (let round = 1; round <= 20; round++) {
      const live = round % 2 === 0 ? "blue" : "green";
      await site.put(slotsAt(blue.port, green.port, live));
      expect((await exchange(site, get())).body.toString()).toBe(live);
      const before = load.sent();
      await until(() => load.sent() > before + 20);
    }
    const { sent, failures, bodies } = await load.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(400);
    expect(bodies.get("blue")).toBeGreaterThan(100);
    expect(bodies.get("green")).toBeGreaterThan(100);
  });

  test.concurrent("a request under way stays on its slot through a switch, and is counted until it ends", async () => {
    const waiting: (() => void)[] = [];
    await using slow = await startScriptedSlot((_, socket) => {
      waiting.push(() => socket.write(ok("slow")));
      return undefined;
    });
    await using site = await startSite({ slots: slotsAt(slow.port, green.port) });
    const answer = exchange(site, get());
    await until(async () => (await site.status()).inFlight.blue === 1 && waiting.length === 1);
    await site.put(slotsAt(slow.port, green.port, "green"));
    expect((await exchange(site, get())).body.toString()).toBe("green");
    expect((await site.status()).inFlight).toEqual({ blue: 1, green: 0 });
    waiting[0]?.();
    expect((await answer).body.toString()).toBe("slow");
    await until(async () => (await site.status()).inFlight.blue === 0);
  });

  test.concurrent("while no slot is live requests wait unread, and are served when one is", async () => {
    await using site = await startSite({ slots: slotsAt(blue.port, green.port, "hold") });
    const answers = Promise.all(Array.from({ length: 20 }, () => exchange(site, get())));
    await until(async () => (await site.status()).held === 20);
    await site.put(slotsAt(blue.port, green.port, "green"));
    expect(new Set((await answers).map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(["200 green"]));
    expect((await site.status()).held).toBe(0);
  });

  test.concurrent("RFC 9110 §10.2.3: a hold is bounded by holdMs, then answered 503 with Retry-After", async () => {
    await using site = await startSite({ slots: { live: "hold" }, limits: { holdMs: 300 } });
    const began = performance.now();
    const answer = await exchange(site, get());
    expect(performance.now() - began).toBeGreaterThan(250);
    expect(answer.status).toBe(503);
    expect(Number(valuesOf(answer, "retry-after")[0])).toBeGreaterThan(0);
  });

  test("a hold of half a second under load fails no request", async () => {
    await using site = await startSite({ slots: slotsAt(blue.port, green.port) });
    const load = startUserLoad({ port: site.port });
    await until(() => load.sent() > 100);
    await site.put(slotsAt(blue.port, green.port, "hold"));
    await until(async () => (await site.status()).held >= 5);
    await until(async () => (await site.status()).inFlight.blue === 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await site.put(slotsAt(blue.port, green.port, "green"));
    const before = load.sent();
    await until(() => load.sent() > before + 100);
    expect((await load.stop()).failures).toEqual([]);
  });

  test("successors of every process under load fail no request, and their predecessors exit 0", async () => {
    await using site = await startSite({ slots: slotsAt(blue.port, green.port) });
    const load = startUserLoad({ port: site.port });
    await until(() => load.sent() > 100);
    for (let round = 0; round < 2; round++) {
      for (const part of site.parts) {
        const { ended } = await site.replace(part, { graceMs: 200, limitMs: 10_000 });
        expect(await ended).toBe(0);
      }
    }
    const before = load.sent();
    await until(() => load.sent() > before + 100);
    const { failures, sent } = await load.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(400);
  });

  test.concurrent("RFC 9112 §9.6: a draining process answers what is under way with Connection: close, and its idle connections end by its limit", async () => {
    const waiting: (() => void)[] = [];
    await using slow = await startScriptedSlot((_, socket) => {
      waiting.push(() => socket.write(ok("slow")));
      return undefined;
    });
    await using site = await startSite({ slots: slotsAt(slow.port) });
    using busy = await WireClient.open(site);
    busy.send(get());
    await until(() => waiting.length === 1);
    using idle = await WireClient.open(site);
    const { ended } = await site.drain(site.parts[0] ?? "site-proxy", { graceMs: 50, limitMs: 2000 });
    waiting[0]?.();
    const answer = await busy.response();
    expect([answer.body.toString(), ...valuesOf(answer, "connection")]).toEqual(["slow", "close"]);
    await busy.end();
    expect(await idle.end()).toBe("");
    expect(await ended).toBe(0);
  });

  test.concurrent("RFC 9112 §9.6: a draining process serves a request on an idle connection, and ends it with the answer", async () => {
    await using site = await startSite({ slots: slotsAt(blue.port) });
    using idle = await WireClient.open(site);
    expect((await idle.send(get()).response()).status).toBe(200);
    await site.drain(site.parts[0] ?? "site-proxy", { graceMs: 3000, limitMs: 6000 });
    const answer = await idle.send(get()).response();
    expect([answer.status, ...valuesOf(answer, "connection")]).toEqual([200, "close"]);
    await idle.end();
  });

  test.concurrent("a draining process closes idle connections after graceMs", async () => {
    await using site = await startSite({ slots: slotsAt(blue.port) });
    using idle = await WireClient.open(site);
    expect((await idle.send(get()).response()).status).toBe(200);
    const began = performance.now();
    const { ended } = await site.drain(site.parts[0] ?? "site-proxy", { graceMs: 50, limitMs: 5000 });
    expect(await idle.end()).toBe("");
    expect(await ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(4000);
  });

  test.concurrent("a drain that is not over at its limit ends at its limit", async () => {
    await using slot = await startScriptedSlot(() => undefined);
    await using site = await startSite({ slots: slotsAt(slot.port) });
    using client = await WireClient.open(site);
    client.send(get());
    await until(() => slot.requests.length === 1);
    const began = performance.now();
    const { ended } = await site.drain(site.parts[0] ?? "site-proxy", { graceMs: 50, limitMs: 500 });
    expect(await ended).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(450);
    await client.end();
  });

  test.concurrent("connections made while a process is dead wait for its respawn, which serves what was live", async () => {
    await using site = await startSite({ slots: slotsAt(blue.port, green.port, "green") });
    expect((await exchange(site, get())).body.toString()).toBe("green");
    for (const part of site.parts) {
      let answers: Promise<string[]> | undefined;
      await site.crash(part, async () => {
        if (part !== site.parts[0]) return;
        const asked = Array.from({ length: 10 }, () => exchange(site, get()).then(({ body }) => body.toString()));
        answers = Promise.all(asked);
      });
      expect(new Set((await answers) ?? ["green"])).toEqual(new Set(["green"]));
      expect((await exchange(site, get())).body.toString()).toBe("green");
    }
  });

  test.concurrent.each(["", '{"accepting":true,"slots":{"live":"bl', "null"])(
    "a process whose state is %j takes no user, says so, and serves again once it is told",
    async (text) => {
      await using site = await startSite({ slots: slotsAt(blue.port) });
      await site.crash("site-proxy", (dir) => writeFile(join(dir, "state.json"), text));
      const status = await site.status();
      expect(status).toMatchObject({ accepting: false, slots: { live: "hold" } });
      expect(status.remarks.join()).toMatch(/state\.json is corrupt/);
      const answer = exchange(site, get());
      await site.put(slotsAt(blue.port));
      await site.accept("site-proxy");
      expect((await answer).body.toString()).toBe("blue");
      expect((await site.status()).remarks).toEqual([]);
    },
  );

  test("RFC 9112 §9.3.1: a slot that closes idle connections at once costs no request", async () => {
    await using hasty = await startScriptedSlot(() => ok("hasty"), { idleCloseMs: 3 });
    await using site = await startSite({ slots: slotsAt(hasty.port) });
    const load = startUserLoad({ port: site.port, clients: 5, pauseMs: 2 });
    await until(() => load.sent() >= (shape === "own-port" ? 2200 : 2000), 50_000);
    const { failures, bodies } = await load.stop();
    expect(failures).toEqual([]);
    expect(bodies.get("hasty")).toBeGreaterThanOrEqual(2000);
    expect(hasty.malformed).toEqual([]);
    expect(hasty.requests.length).toBeGreaterThanOrEqual(bodies.get("hasty") ?? 0);
  });
});
