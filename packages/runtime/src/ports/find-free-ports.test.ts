import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { findFreePorts, isPortFree, listeningPorts, slotPorts } from "./find-free-ports.ts";

test("free ports are many, none twice, none that is taken", async () => {
  const first = await findFreePorts(20);
  const second = await findFreePorts(20, listeningPorts, new Set(first));
  expect(new Set([...first, ...second]).size).toBe(40);
});

test("free ports lie below those that Linux gives to connections that go out", async () => {
  for (const port of await findFreePorts(50, slotPorts)) expect(port).toBeLessThan(32_768);
  for (const port of await findFreePorts(50)) expect(port).toBeLessThan(slotPorts.lowest);
});

test("a port on which something listens is not free", async () => {
  const [port = 0] = await findFreePorts(1);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  expect(await isPortFree(port)).toBe(false);
  expect(await isPortFree(port, "127.0.0.1")).toBe(false);
  await new Promise((resolve) => server.close(resolve));
  expect(await isPortFree(port, "127.0.0.1")).toBe(true);
});
