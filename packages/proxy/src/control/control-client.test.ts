import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "@sluice/core/problems/problem";
import { expect, onTestFinished, test } from "vitest";
import { openProxyControl } from "./control-client.ts";

/** Somebody who answers on a control socket; `connections` so far. */
async function listen(answer: RequestListener) {
  const dir = await mkdtemp(join(tmpdir(), "sl-control-"));
  let connections = 0;
  const server = createServer(answer).on("connection", () => {
    connections += 1;
  });
  const path = join(dir, "control.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(dir, { recursive: true });
  });
  return { control: openProxyControl(path), connections: () => connections };
}

const table = { live: "hold" } as const;

test("questions share a connection, and every order has one of its own", async () => {
  const { control, connections } = await listen((_, res) => res.end("{}"));
  await control.status();
  await control.counters();
  await control.status();
  expect(connections()).toBe(1);
  await control.putSlots(table);
  await control.accept();
  expect(connections()).toBe(3);
});

test("a question whose kept connection is lost is asked once more on a new one", async () => {
  let asked = 0;
  const { control, connections } = await listen((req, res) => {
    asked += 1;
    if (asked === 2) req.socket.destroy();
    else res.end(JSON.stringify({ held: asked }));
  });
  await control.status();
  expect(await control.status()).toEqual({ held: 3 });
  expect(connections()).toBe(2);
});

test("a process that breaks off every time is unreachable, after one more question at most", async () => {
  let asked = 0;
  const { control } = await listen((req, res) => {
    asked += 1;
    if (asked === 1) res.end("{}");
    else req.socket.destroy();
  });
  await control.status();
  await expect(control.status()).rejects.toThrow(Problem);
  expect(asked).toBe(3);
});
