import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type NetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { durationMs } from "@sluice/core/units/time";
import { expect, test } from "vitest";
import { writeProxyHeader } from "../serving/proxy-protocol.ts";
import { startProxy } from "../start-proxy.ts";
import { ask, until } from "../testing/ask.ts";
import { siteProcess, slotTable } from "../testing/process-settings.ts";
import { startRawSlot, startSlot } from "../testing/start-slot.ts";
import { startTestSite } from "../testing/start-test-site.ts";

const get = "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n";

/** What a machine short of everything does to a process: it does nothing, and the clock goes on. */
const standStill = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** What a front says of a client before its first request. */
const clientAnnounced = writeProxyHeader({
  source: { address: "192.0.2.7", port: 1 },
  destination: { address: "127.0.0.1", port: 80 },
  tls: false,
});

/** A kept connection that was answered once; `greeting` comes before its first request. */
async function keptConnection(to: NetConnectOpts, greeting: Uint8Array = Buffer.alloc(0)) {
  const socket = connect(to);
  let got = "";
  socket.on("data", (data) => {
    got += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  const answers = (): number => got.split("HTTP/1.1 200 ").length - 1;
  await once(socket, "connect");
  socket.write(greeting);
  socket.write(get);
  await until(() => answers() === 1);
  const isOver = (): boolean => answers() === 2 || socket.destroyed || socket.readableEnded;
  return { socket, answers, isOver };
}

test("a request that comes on a kept connection while the proxy stands still for longer than it keeps connections is answered", async () => {
  await using slot = await startSlot((_, res) => res.end("hello"));
  const limits = { keepAliveTimeoutMs: durationMs(200) };
  await using site = await startTestSite({ blue: slot.port, limits });
  const { socket, answers, isOver } = await keptConnection({ host: "127.0.0.1", port: site.port });
  // What follows an immediate is the next turn of the loop, which begins with timers.
  await setImmediate();
  socket.write(get);
  standStill(400);
  await until(isOver);
  expect(answers()).toBe(2);
  socket.destroy();
});

test("an answer that is there when a proxy that stood still looks at its deadline is passed on", async () => {
  await using slot = await startRawSlot((socket) => {
    socket.on("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
      standStill(400);
    });
  });
  const limits = { responseTimeoutMs: durationMs(200) };
  await using site = await startTestSite({ blue: slot.port, limits });
  expect(await ask({ port: site.port })).toMatchObject({ status: 200, body: "hello" });
});

test("a request that comes on an idle connection while a draining proxy stands still is answered", async () => {
  // Nobody tells it to accept: it is asked on its own socket, and never touches one that it would inherit.
  const graceMs = 300;
  await using slot = await startSlot((_, res) => res.end("hello"));
  const dir = await mkdtemp(join(tmpdir(), "sluice-proxy-"));
  await writeFile(join(dir, "settings.json"), JSON.stringify(siteProcess({})));
  await writeFile(join(dir, "state.json"), JSON.stringify({ accepting: false, slots: slotTable("blue", slot.port) }));
  await using proxy = await startProxy(dir);
  const { socket, answers, isOver } = await keptConnection({ path: join(dir, "probe.sock") }, clientAnnounced);
  await proxy.drain({ graceMs, limitMs: 10_000 });
  await setImmediate();
  socket.write(get);
  standStill(2 * graceMs);
  await until(isOver);
  expect(answers()).toBe(2);
  await proxy.done;
  await rm(dir, { recursive: true });
});
