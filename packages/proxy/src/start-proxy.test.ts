import { readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeProxyHeader } from "./serving/proxy-protocol.ts";
import { ask, until } from "./testing/ask.ts";
import { startLoad } from "./testing/load.ts";
import { frontProcess, siteProcess, slotTable } from "./testing/process-settings.ts";
import { type SpawnedProxy, startTestKeeper } from "./testing/spawn-proxy.ts";
import { startSlot } from "./testing/start-slot.ts";

const named = (name: string) => startSlot((req, res) => void req.resume().on("end", () => res.end(name)));

async function reachable(proxy: SpawnedProxy): Promise<void> {
  await until(() =>
    proxy.control.status().then(
      () => true,
      () => false,
    ),
  );
}

test("switching slots under load fails no request, and the new slot is used from the next one on", async () => {
  await using blue = await named("blue");
  await using green = await named("green");
  await using keeper = await startTestKeeper();
  const { port, fd } = keeper.bindPort();
  const proxy = await keeper.spawn("p1", siteProcess({}), [fd], {
    accepting: true,
    slots: slotTable("blue", blue.port, green.port),
  });
  await reachable(proxy);
  const load = startLoad(port);
  for (let round = 0; round < 10; round++) {
    const live = round % 2 === 0 ? "green" : "blue";
    const before = load.sent();
    await proxy.control.putSlots(slotTable(live, blue.port, green.port));
    expect((await ask({ port })).body).toBe(live);
    await until(() => load.sent() > before + 50);
  }
  const { failures, bodies } = await load.stop();
  expect(failures).toEqual([]);
  expect([...bodies.keys()].sort()).toEqual(["blue", "green"]);
  expect(await proxy.control.status()).toMatchObject({ inFlight: { blue: 0, green: 0 }, slots: { live: "blue" } });
});

test("replacing a proxy under load fails no request, and the predecessor exits 0", async () => {
  await using slot = await named("blue");
  await using keeper = await startTestKeeper();
  const { port, fd } = keeper.bindPort();
  const slots = slotTable("blue", slot.port);
  let current = await keeper.spawn("p0", siteProcess({}), [fd], { accepting: true, slots });
  await reachable(current);
  const load = startLoad(port);
  for (let generation = 1; generation <= 4; generation++) {
    const next = await keeper.spawn(`p${generation}`, siteProcess({}), [fd], { accepting: false, slots });
    await reachable(next);
    expect(await next.control.status()).toMatchObject({ accepting: false });
    await next.control.accept();
    const before = load.sent();
    await current.control.drain({ graceMs: 300, limitMs: 5000 });
    await until(() => load.sent() > before + 100);
    expect(await current.exited).toBe(0);
    current = next;
  }
  expect((await load.stop()).failures).toEqual([]);
});

test("a killed proxy resumes what it was ordered, and connections that waited meanwhile are served", async () => {
  await using green = await named("green");
  await using keeper = await startTestKeeper();
  const { port, fd } = keeper.bindPort();
  const first = await keeper.spawn("p1", siteProcess({}), [fd]);
  await reachable(first);
  await first.control.putSlots({
    live: "green",
    green: { host: "127.0.0.1", port: green.port, release: "sha256:green" },
  });
  await first.control.accept();
  expect((await ask({ port })).body).toBe("green");
  first.child.kill("SIGKILL");
  await first.exited;
  const waiting = ask({ port });
  const second = keeper.respawn("p1", [fd]);
  expect((await waiting).body).toBe("green");
  await reachable(second);
  expect(await second.control.status()).toMatchObject({ accepting: true, slots: { live: "green" } });
});

test("a proxy that was drained does not accept again when it is respawned", async () => {
  await using slot = await named("blue");
  await using keeper = await startTestKeeper();
  const { fd } = keeper.bindPort();
  const proxy = await keeper.spawn("p1", siteProcess({}), [fd], {
    accepting: true,
    slots: slotTable("blue", slot.port),
  });
  await reachable(proxy);
  await proxy.control.drain({ graceMs: 0, limitMs: 1000 });
  expect(await proxy.exited).toBe(0);
  const again = keeper.respawn("p1", [fd]);
  await reachable(again);
  expect(await again.control.status()).toMatchObject({ accepting: false, slots: { live: "blue" } });
});

test("SIGHUP is survived, SIGTERM drains, and a respawn accepts again", async () => {
  await using slot = await named("blue");
  await using keeper = await startTestKeeper();
  const { port, fd } = keeper.bindPort();
  const proxy = await keeper.spawn("p1", siteProcess({}), [fd], {
    accepting: true,
    slots: slotTable("blue", slot.port),
  });
  await reachable(proxy);
  proxy.child.kill("SIGHUP");
  expect((await ask({ port })).body).toBe("blue");
  proxy.child.kill("SIGTERM");
  expect(await proxy.exited).toBe(0);
  const again = keeper.respawn("p1", [fd]);
  expect((await ask({ port })).body).toBe("blue");
  await reachable(again);
});

test("a websocket is cut only at the limit of the drain", async () => {
  await using slot = await named("blue");
  slot.server.on("upgrade", (_, socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nopen");
  });
  await using keeper = await startTestKeeper();
  const { port, fd } = keeper.bindPort();
  const proxy = await keeper.spawn("p1", siteProcess({}), [fd], {
    accepting: true,
    slots: slotTable("blue", slot.port),
  });
  await reachable(proxy);
  const socket = connect(port, "127.0.0.1");
  let got = "";
  let closedAt = 0;
  socket.on("data", (data) => {
    got += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closedAt = performance.now();
  });
  socket.write("GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await until(() => got.endsWith("open"));
  expect(await proxy.control.status()).toMatchObject({ upgrades: { blue: 1 } });
  const began = performance.now();
  await proxy.control.drain({ graceMs: 10, limitMs: 600 });
  expect(await proxy.exited).toBe(0);
  await until(() => closedAt > 0);
  expect(closedAt - began).toBeGreaterThan(550);
});

test("a corrupt state is said, not guessed: connections wait until the agent speaks", async () => {
  await using slot = await named("blue");
  await using keeper = await startTestKeeper();
  const { port, fd } = keeper.bindPort();
  const proxy = await keeper.spawn("p1", siteProcess({}), [fd], {
    accepting: true,
    slots: slotTable("blue", slot.port),
  });
  await reachable(proxy);
  proxy.child.kill("SIGKILL");
  await proxy.exited;
  await writeFile(join(proxy.dir, "state.json"), '{"accepting":true,"slots":{"live":"bl');
  const again = keeper.respawn("p1", [fd]);
  await reachable(again);
  const answer = ask({ port });
  expect(await again.control.status()).toMatchObject({ accepting: false, slots: { live: "hold" } });
  expect((await again.control.status()).remarks[0]).toMatch(/state\.json is corrupt; not accepting until/);
  await again.control.accept();
  await until(async () => (await again.control.status()).held === 1);
  await again.control.putSlots(slotTable("blue", slot.port));
  expect((await answer).body).toBe("blue");
  expect((await again.control.status()).remarks).toEqual([]);
});

test("settings that are no good end the start with code 2 and name the nearest key", async () => {
  await using keeper = await startTestKeeper();
  const good = siteProcess({});
  const bad = { ...good, settings: { ...good.settings, bindigs: [] } };
  const proxy = await keeper.spawn("p1", bad as typeof good, []);
  expect(await proxy.exited).toBe(2);
  expect(proxy.output()).toMatch(/settings: unknown key 'bindigs', did you mean 'bindings'\?/);
});

test("control.sock is only for its owner, and what it does not understand it refuses", async () => {
  await using keeper = await startTestKeeper();
  const { fd } = keeper.bindPort();
  const proxy = await keeper.spawn("p1", siteProcess({}), [fd]);
  await reachable(proxy);
  expect((await stat(join(proxy.dir, "control.sock"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(proxy.dir, "probe.sock"))).mode & 0o777).toBe(0o600);
  await expect(proxy.control.putSlots({ live: "green" })).rejects.toMatchObject({ reason: "message-invalid" });
  await expect(proxy.control.drain({ graceMs: -1, limitMs: 0 })).rejects.toMatchObject({ reason: "message-invalid" });
  expect(await proxy.control.status()).toMatchObject({ settingsDigest: "sha256:settings", draining: false });
});

test("a successor that does not accept yet is probed through its probe socket, one that lies about PROXY is cut off", async () => {
  await using slot = await startSlot((req, res) => res.end(req.headers["x-forwarded-for"]));
  await using keeper = await startTestKeeper();
  const { fd } = keeper.bindPort();
  const proxy = await keeper.spawn("p1", siteProcess({}), [fd], {
    accepting: false,
    slots: slotTable("blue", slot.port),
  });
  await reachable(proxy);
  const probe = Buffer.from(
    "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nX-Sluice-Probe: let-me-through\r\n\r\n",
  );
  const header = writeProxyHeader({
    source: { address: "192.0.2.7", port: 1 },
    destination: { address: "127.0.0.1", port: 80 },
    tls: false,
  });
  const answer = await sendTo(join(proxy.dir, "probe.sock"), [header, probe]);
  expect(answer).toMatch(
    /^HTTP\/1\.1 200 [\s\S]*X-Sluice-Served-By: web-1\/shop\/blue\/sha256:blue\r\n[\s\S]*192\.0\.2\.7$/,
  );
  const whole = Buffer.concat([header, probe]);
  expect(
    await sendTo(
      join(proxy.dir, "probe.sock"),
      [...whole].map((byte) => Buffer.from([byte])),
    ),
  ).toMatch(/^HTTP\/1\.1 200 /);
  expect(await sendTo(join(proxy.dir, "probe.sock"), [probe])).toBe("");
  expect(await sendTo(join(proxy.dir, "probe.sock"), [Buffer.from("PROXY TCP4 1.2.3.4 5.6.7.8 1 80\r\n"), probe])).toBe(
    "",
  );
});

function sendTo(path: string, parts: readonly Buffer[]): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(path, () => {
      for (const part of parts) socket.write(part);
    });
    socket.on("data", (data) => {
      got += data.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(got));
  });
}

test("a front leads to the site proxy, which sees the client, and neither's restart fails a request", {
  timeout: 40_000,
}, async () => {
  await using slot = await startSlot(
    (req, res) => void req.resume().on("end", () => res.end(String(req.headers["x-forwarded-for"]))),
  );
  await using keeper = await startTestKeeper();
  const { port, fd } = keeper.bindPort();
  const behind = keeper.bindPath("site-shop.sock");
  const settings = siteProcess({ sockets: [], siteSocketFd: 3 });
  const behindFront = { ...settings, settings: { ...settings.settings, listeners: [], behindFront: true } };
  const slots = slotTable("blue", slot.port);
  let site = await keeper.spawn("site0", behindFront, [behind.fd], { accepting: true, slots });
  let front = await keeper.spawn("front0", frontProcess(behind.path), [fd], {
    accepting: true,
    slots: { live: "hold" },
  });
  await reachable(front);
  await reachable(site);
  expect((await ask({ port, headers: { "X-Forwarded-For": "6.6.6.6" } })).body).toBe("127.0.0.1");
  expect((await ask({ port, headers: { Host: "other.test" } })).status).toBe(421);
  const probe = await ask({ port, headers: { "X-Sluice-Probe": "let-me-through" } });
  expect(probe.headers["x-sluice-served-by"]).toBe("web-1/shop/blue/sha256:blue");
  const load = startLoad(port);
  for (let generation = 1; generation <= 3; generation++) {
    const nextSite = await keeper.spawn(`site${generation}`, behindFront, [behind.fd], { accepting: true, slots });
    await reachable(nextSite);
    await site.control.drain({ graceMs: 300, limitMs: 5000 });
    expect(await site.exited).toBe(0);
    site = nextSite;
    const nextFront = await keeper.spawn(`front${generation}`, frontProcess(behind.path), [fd], {
      accepting: true,
      slots: { live: "hold" },
    });
    await reachable(nextFront);
    await front.control.drain({ graceMs: 300, limitMs: 5000 });
    expect(await front.exited).toBe(0);
    front = nextFront;
  }
  const { failures, sent } = await load.stop();
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(100);
  expect(JSON.parse(await readFile(join(site.dir, "state.json"), "utf8"))).toMatchObject({ accepting: true });
});
