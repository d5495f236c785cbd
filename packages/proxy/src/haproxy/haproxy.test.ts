import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writeProxyHeader } from "../serving/proxy-protocol.ts";
import { ask, until } from "../testing/ask.ts";
import { startLoad } from "../testing/load.ts";
import { siteProcess, slotTable } from "../testing/process-settings.ts";
import { startTestKeeper } from "../testing/spawn-proxy.ts";
import { startSlot } from "../testing/start-slot.ts";
import { openHaproxyControl } from "./open-haproxy-control.ts";
import { installedHaproxy } from "./testing/installed-haproxy.ts";
import { openHaproxySpawner } from "./testing/spawn-haproxy.ts";

const haproxy = await installedHaproxy();
const path = haproxy?.path ?? "";
/** Where it can be: what is skipped says why. */
const here = (name: string, run: () => Promise<void>): void =>
  haproxy === undefined ? test.skip(`${name} (HAProxy 2.6 or newer is not installed here)`) : test(name, run);

async function fixture() {
  const keeper = await startTestKeeper();
  onTestFinished(() => keeper[Symbol.asyncDispose]());
  const spawner = openHaproxySpawner(path, keeper);
  onTestFinished(() => spawner[Symbol.asyncDispose]());
  return { keeper, spawner, listener: keeper.bindPort() };
}

async function slotNamed(name: string, delayMs = 0) {
  const slot = await startSlot((req, res) => {
    req.resume();
    req.on("end", () => setTimeout(() => res.end(name), delayMs));
  });
  onTestFinished(() => slot[Symbol.asyncDispose]());
  return slot;
}

here("a process that does not accept serves its probe socket alone, and after accept its listeners too", async () => {
  const { spawner, listener } = await fixture();
  const blue = await slotNamed("blue");
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: false,
    slots: slotTable("blue", blue.port),
  });
  const before = await proxy.control.status();
  expect(before).toMatchObject({
    accepting: false,
    draining: false,
    settingsDigest: "sha256:settings",
    slots: slotTable("blue", blue.port),
  });
  const probed = await probe(join(proxy.dir, "probe.sock"));
  expect(probed).toMatch(/^HTTP\/1.1 200 /);
  expect(probed).toContain("x-sluice-served-by: web-1/shop/blue/sha256:blue");
  await expect(ask({ port: listener.port })).rejects.toThrow();
  const after = await proxy.control.accept();
  expect(after.accepting).toBe(true);
  expect(after.pid, "the new worker has confirmed itself").not.toBe(before.pid);
  expect((await ask({ port: listener.port })).body).toBe("blue");
});

here("slots are switched under load without a failed request, and the old one is seen to become empty", async () => {
  const { spawner, listener } = await fixture();
  const [blue, green] = [await slotNamed("blue", 20), await slotNamed("green", 20)];
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: true,
    slots: slotTable("blue", blue.port),
  });
  const load = startLoad(listener.port);
  for (let round = 0; round < 6; round++) {
    const live = round % 2 === 0 ? "green" : "blue";
    const status = await proxy.control.putSlots(slotTable(live, blue.port, green.port));
    expect(status.slots.live).toBe(live);
    await until(async () => (await proxy.control.status()).inFlight[live === "green" ? "blue" : "green"] === 0);
  }
  const { failures, sent, bodies } = await load.stop();
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(20);
  expect(bodies.size).toBe(2);
});

here("requests are held while no slot is live, and served when one is", async () => {
  const { spawner, listener } = await fixture();
  const blue = await slotNamed("blue");
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: true,
    slots: { live: "hold" },
  });
  const asked = ask({ port: listener.port });
  await until(async () => (await proxy.control.status()).held === 1);
  await proxy.control.putSlots(slotTable("blue", blue.port));
  expect((await asked).body).toBe("blue");
  await until(async () => (await proxy.control.status()).held === 0);
});

here("a request that waits for a slot too long is answered 503 with Retry-After", async () => {
  const { spawner, listener } = await fixture();
  await spawner.spawn("site-1", siteProcess({ limits: { holdMs: 200 as never } }), [listener.fd], {
    accepting: true,
    slots: { live: "hold" },
  });
  const answer = await ask({ port: listener.port });
  expect(answer.status).toBe(503);
  expect(answer.headers["retry-after"]).toBe("5");
});

here("a worker from before a reload is switched as well, and its requests are counted on their slot", async () => {
  const { spawner, listener } = await fixture();
  const [blue, green] = [await slotNamed("blue"), await slotNamed("green")];
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: false,
    slots: slotTable("blue", blue.port, green.port),
  });
  const kept = connect(join(proxy.dir, "probe.sock"));
  onTestFinished(() => void kept.destroy());
  kept.write(probeHead);
  const request = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";
  kept.write(request);
  let got = "";
  kept.on("data", (data) => {
    got += data.toString();
  });
  await until(() => got.endsWith("blue"));
  await proxy.control.accept();
  await proxy.control.putSlots(slotTable("green", blue.port, green.port));
  kept.write(request);
  await until(() => got.endsWith("green"));
});

here(
  "a successor takes over the same socket under load without a failed request, and the predecessor ends by itself",
  async () => {
    const { spawner, listener } = await fixture();
    const blue = await slotNamed("blue", 5);
    const slots = slotTable("blue", blue.port);
    let current = await spawner.spawn("site-1", siteProcess({}), [listener.fd], { accepting: true, slots });
    const load = startLoad(listener.port);
    for (let generation = 2; generation < 5; generation++) {
      const next = await spawner.spawn(`site-${generation}`, siteProcess({}), [listener.fd], {
        accepting: false,
        slots,
      });
      await next.control.accept();
      await current.control.drain({ graceMs: 1000, limitMs: 20_000 });
      // 139: haproxy#2114, when all traffic is done.
      expect(await current.exited).toBeOneOf([0, 139]);
      current = next;
    }
    const { failures, sent } = await load.stop();
    expect(failures).toEqual([]);
    expect(sent).toBeGreaterThan(20);
  },
);

here("a process that was killed comes back with what it was ordered, and its connections were queued", async () => {
  const { spawner, listener } = await fixture();
  const [blue, green] = [await slotNamed("blue"), await slotNamed("green")];
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: false,
    slots: slotTable("blue", blue.port),
  });
  await proxy.control.accept();
  await proxy.control.putSlots(slotTable("green", blue.port, green.port));
  process.kill((await proxy.control.status()).pid, "SIGKILL");
  await proxy.exited;
  const asked = ask({ port: listener.port });
  const again = await spawner.respawn("site-1", [listener.fd]);
  expect((await asked).body).toBe("green");
  expect(await again.control.status()).toMatchObject({
    accepting: true,
    slots: slotTable("green", blue.port, green.port),
  });
});

here("a draining process that is started again does not accept", async () => {
  const { spawner, listener } = await fixture();
  const blue = await slotNamed("blue");
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: true,
    slots: slotTable("blue", blue.port),
  });
  await proxy.control.drain({ graceMs: 100, limitMs: 5000 });
  await proxy.exited;
  const again = await spawner.respawn("site-1", [listener.fd]);
  expect(await again.control.status()).toMatchObject({ accepting: false, draining: false });
});

here(
  "requests are counted by binding, outcome and kind, and neither a reload nor a restart of the reader loses one",
  async () => {
    const { spawner, listener } = await fixture();
    const blue = await slotNamed("blue");
    const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
      accepting: false,
      slots: slotTable("blue", blue.port),
    });
    await probe(join(proxy.dir, "probe.sock"));
    const before = await proxy.control.counters();
    await proxy.control.accept();
    for (let at = 0; at < 3; at++) await ask({ port: listener.port });
    await ask({ port: listener.port, headers: { Host: "nobody.test" } });
    for (const control of [proxy.control, openHaproxyControl(proxy.dir), openHaproxyControl(proxy.dir)]) {
      const counts = await control.counters();
      expect(counts.startedAt).toBe(before.startedAt);
      expect(counts.bindings[0]).toMatchObject({ users: { outcomes: { ok: 3 } }, probes: { outcomes: { ok: 1 } } });
      expect(counts.refused.unknownHost).toBe(1);
    }
  },
);

here("counts that were read survive the process, and those of the next are added", async () => {
  const { spawner, listener } = await fixture();
  const blue = await slotNamed("blue");
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: true,
    slots: slotTable("blue", blue.port),
  });
  await ask({ port: listener.port });
  await proxy.control.counters();
  process.kill((await proxy.control.status()).pid, "SIGKILL");
  await proxy.exited;
  const again = await spawner.respawn("site-1", [listener.fd]);
  await ask({ port: listener.port });
  expect((await again.control.counters()).bindings[0]?.users.outcomes).toEqual({ ok: 2 });
});

here(
  "a slot that can't be reached, and a wait for one that is too long, count as unreachable and as slow",
  async () => {
    const { spawner, listener } = await fixture();
    const limits = { connectTimeoutMs: 200 as never, holdMs: 20 as never };
    const proxy = await spawner.spawn("site-1", siteProcess({ limits }), [listener.fd], {
      accepting: true,
      slots: slotTable("blue", 1),
    });
    expect((await ask({ port: listener.port })).status).toBe(502);
    await proxy.control.putSlots({ live: "hold" });
    expect((await ask({ port: listener.port })).status).toBe(503);
    const { bindings } = await proxy.control.counters();
    expect(bindings[0]?.users.outcomes).toEqual({ unreachable: 2 });
    expect(bindings[0]?.users.latency.at(-1)).toBe(2);
  },
);

here("a configuration that haproxy refuses changes nothing and says why", async () => {
  const { spawner, listener } = await fixture();
  const blue = await slotNamed("blue");
  const proxy = await spawner.spawn("site-1", siteProcess({}), [listener.fd], {
    accepting: false,
    slots: slotTable("blue", blue.port),
  });
  await writeFile(join(proxy.dir, "slot.lua"), "this is no lua");
  await expect(proxy.control.accept()).rejects.toMatchObject({ reason: "proxy-settings-invalid" });
  expect(await proxy.control.status()).toMatchObject({ accepting: false });
});

const probeHead = writeProxyHeader({
  source: { address: "127.0.0.1", port: 0 },
  destination: { address: "127.0.0.1", port: 80 },
  tls: false,
});

/** One request over a probe socket, with the token; everything that comes back. */
function probe(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let got = "";
    socket.on("data", (data) => {
      got += data.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(got));
    socket.write(probeHead);
    socket.write("GET / HTTP/1.1\r\nHost: app.test\r\nX-Sluice-Probe: let-me-through\r\nConnection: close\r\n\r\n");
  });
}
