import { expect, test } from "vitest";
import { ask, sendRaw } from "../testing/ask.ts";
import { startSlot } from "../testing/start-slot.ts";
import { startEdge } from "./start-edge.ts";

const edgeTo = (...ports: readonly number[]) =>
  startEdge({
    listen: { address: "127.0.0.1", port: 0 },
    routes: { "app.test": ports.map((port) => `127.0.0.1:${port}`) },
  });

test("an edge takes hosts in turn, passes Host as written and says who asked", async () => {
  const tell = (name: string) =>
    startSlot((req, res) => res.end(`${name} ${req.headers.host} ${req.headers["x-forwarded-for"]}`));
  await using one = await tell("one");
  await using two = await tell("two");
  await using edge = await edgeTo(one.port, two.port);
  const bodies = [];
  for (let count = 0; count < 4; count++)
    bodies.push((await ask({ port: edge.port, headers: { Host: "APP.test:81" } })).body);
  expect(bodies.sort()).toEqual(["one", "one", "two", "two"].map((name) => `${name} APP.test:81 127.0.0.1`));
  expect((await ask({ port: edge.port, headers: { Host: "other.test" } })).status).toBe(421);
});

test("a host that refuses connections is passed over, for POST too", async () => {
  await using up = await startSlot((req, res) => {
    let body = "";
    req.on("data", (data) => {
      body += data;
    });
    req.on("end", () => res.end(body));
  });
  const gone = await startSlot(() => undefined);
  await using edge = await edgeTo(gone.port, up.port);
  await gone[Symbol.asyncDispose]();
  for (let count = 0; count < 4; count++) {
    expect(await ask({ port: edge.port, method: "POST", body: "hello" })).toMatchObject({ status: 200, body: "hello" });
  }
});

test("an edge carries probes and upgrades through", async () => {
  await using slot = await startSlot((req, res) =>
    res.setHeader("X-Sluice-Served-By", "web-1/shop/blue/x").end(req.headers["x-sluice-probe"]),
  );
  slot.server.on("upgrade", (_, socket) =>
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhi"),
  );
  await using edge = await edgeTo(slot.port);
  const probe = await ask({ port: edge.port, headers: { "X-Sluice-Probe": "token" } });
  expect(probe).toMatchObject({ body: "token", headers: { "x-sluice-served-by": "web-1/shop/blue/x" } });
  const upgraded = await sendRaw(
    edge.port,
    "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
  );
  expect(upgraded).toMatch(/^HTTP\/1\.1 101 [\s\S]*hi$/);
});
