import { expect, onTestFinished, test } from "vitest";
import { ask, until } from "../testing/ask.ts";
import { siteProcess, slotTable } from "../testing/process-settings.ts";
import { startTestKeeper } from "../testing/spawn-proxy.ts";
import { startSlot, type TestSlot } from "../testing/start-slot.ts";
import { installedHaproxy } from "./testing/installed-haproxy.ts";
import { openHaproxySpawner } from "./testing/spawn-haproxy.ts";

const haproxy = await installedHaproxy();
/** Where it can be: what is skipped says why. */
const here = (name: string, run: () => Promise<void>): void =>
  haproxy === undefined ? test.skip(`${name} (HAProxy 2.6 or newer is not installed here)`) : test(name, run);

/** A slot that never closes a connection by itself, and what happened to the connections that it got. */
async function slotNamed(name: string): Promise<TestSlot & { readonly seen: { opened: number; idleMs: number[] } }> {
  const seen = { opened: 0, idleMs: [] as number[] };
  const slot = await startSlot((req, res) => {
    req.resume();
    req.on("end", () => res.end(name));
  });
  slot.server.keepAliveTimeout = 0;
  slot.server.on("connection", (socket) => {
    seen.opened += 1;
    let usedAt = performance.now();
    socket.on("data", () => {
      usedAt = performance.now();
    });
    socket.on("close", () => seen.idleMs.push(performance.now() - usedAt));
  });
  onTestFinished(() => slot[Symbol.asyncDispose]());
  return Object.assign(slot, { seen });
}

async function fixture(blue: TestSlot) {
  const keeper = await startTestKeeper();
  onTestFinished(() => keeper[Symbol.asyncDispose]());
  const spawner = openHaproxySpawner(haproxy?.path ?? "", keeper);
  onTestFinished(() => spawner[Symbol.asyncDispose]());
  const listener = keeper.bindPort();
  const slots = slotTable("blue", blue.port);
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], { accepting: true, slots });
  return { proxy, port: listener.port };
}

here("requests that may be repeated share connections to the slot, whoever sends them", async () => {
  const blue = await slotNamed("blue");
  const { port } = await fixture(blue);
  for (let at = 0; at < 40; at++) await ask({ port, method: at % 2 === 0 ? "GET" : "HEAD" });
  expect(blue.seen.opened).toBeLessThan(20);
});

here("a request that may not be repeated, or has a body, gets a connection that nobody has used", async () => {
  const blue = await slotNamed("blue");
  const { port } = await fixture(blue);
  for (let at = 0; at < 5; at++) {
    await ask({ port });
    const before = blue.seen.opened;
    await ask({ port, method: "POST", body: "x" });
    await ask({ port, method: "DELETE" });
    await ask({ port, method: "GET", body: "x", headers: { "Content-Length": "1" } });
    expect(blue.seen.opened).toBe(before + 3);
  }
});

here("a connection that nobody uses is closed within a second, long before a slot would close it", async () => {
  const blue = await slotNamed("blue");
  const { port } = await fixture(blue);
  await Promise.all(Array.from({ length: 50 }, () => ask({ port })));
  await until(() => blue.seen.idleMs.length === blue.seen.opened);
  expect(Math.max(...blue.seen.idleMs)).toBeLessThan(1000);
});

here(
  "after a switch no request travels on a connection to the slot of before, be it to the same slot on another port",
  async () => {
    const [first, second] = [await slotNamed("first"), await slotNamed("second")];
    const { proxy, port } = await fixture(first);
    for (let round = 0; round < 5; round++) {
      for (const [slot, name] of [
        [second, "second"],
        [first, "first"],
      ] as const) {
        await Promise.all(Array.from({ length: 4 }, () => ask({ port })));
        await proxy.control.putSlots(slotTable("blue", slot.port));
        const answers = await Promise.all(Array.from({ length: 8 }, () => ask({ port })));
        expect(new Set(answers.map(({ body }) => body))).toEqual(new Set([name]));
      }
    }
  },
);
