import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { sendRaw, until } from "../testing/ask.ts";
import { startSlot, type TestSlot } from "../testing/start-slot.ts";
import { startTestSite } from "../testing/start-test-site.ts";

const handshake =
  "GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";

/** Answers 101 and then echoes in upper case. */
async function startShoutingSlot(): Promise<TestSlot> {
  const slot = await startSlot((_, res) => res.writeHead(426, { Connection: "close" }).end("no"));
  slot.server.on("upgrade", (req, socket, head) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${req.headers.upgrade}\r\nX-For: ${req.headers["x-forwarded-for"]}\r\n\r\nhi `,
    );
    if (head.length > 0) socket.write(head.toString().toUpperCase());
    socket.on("data", (data: Buffer) => socket.write(data.toString().toUpperCase()));
    socket.on("error", () => undefined);
  });
  return slot;
}

interface Talk {
  readonly socket: Socket;
  got: string;
  closed: boolean;
}

function talk(port: number, first: string): Talk {
  const socket = connect(port, "127.0.0.1", () => socket.write(first));
  const talking: Talk = { socket, got: "", closed: false };
  socket.on("data", (data) => {
    talking.got += data.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    talking.closed = true;
  });
  return talking;
}

test("an upgraded connection carries bytes both ways and is counted until it ends", async () => {
  await using slot = await startShoutingSlot();
  await using site = await startTestSite({ blue: slot.port });
  const client = talk(site.port, `${handshake}early `);
  await until(() => client.got.includes("EARLY"));
  expect(client.got).toMatch(/^HTTP\/1\.1 101 [\s\S]*Upgrade: websocket\r\n[\s\S]*X-For: 127\.0\.0\.1\r\n/);
  expect(site.router.upgrades()).toEqual({ blue: 1, green: 0 });
  expect(site.router.inFlight()).toEqual({ blue: 0, green: 0 });
  client.socket.write("more");
  await until(() => client.got.endsWith("MORE"));
  client.socket.destroy();
  await until(() => site.router.upgrades().blue === 0);
});

test("a tunnel stays on its slot when another becomes live", async () => {
  await using blue = await startShoutingSlot();
  await using green = await startShoutingSlot();
  await using site = await startTestSite({ blue: blue.port });
  const old = talk(site.port, handshake);
  await until(() => old.got.includes("hi "));
  const target = (port: number, release: string) => ({ host: "127.0.0.1", port, release });
  site.router.put({ live: "green", blue: target(blue.port, "sha256:blue"), green: target(green.port, "sha256:green") });
  const fresh = talk(site.port, handshake);
  await until(() => fresh.got.includes("hi "));
  expect(site.router.upgrades()).toEqual({ blue: 1, green: 1 });
  old.socket.write("still");
  await until(() => old.got.endsWith("STILL"));
  old.socket.destroy();
  fresh.socket.destroy();
});

test("a slot that goes away ends the tunnel at the client", async () => {
  await using site = await startTestSite({});
  {
    await using slot = await startShoutingSlot();
    site.router.put({ live: "blue", blue: { host: "127.0.0.1", port: slot.port, release: "sha256:b" } });
    const client = talk(site.port, handshake);
    slot.server.on("upgrade", (_, socket) => setImmediate(() => socket.destroy()));
    await until(() => client.closed);
  }
  await until(() => site.router.upgrades().blue === 0);
});

test("a slot may refuse to upgrade with an ordinary answer", async () => {
  await using slot = await startSlot((_, res) => res.writeHead(403, { "X-Why": "because" }).end("not you"));
  await using site = await startTestSite({ blue: slot.port });
  const answer = await sendRaw(site.port, handshake);
  expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*X-Why: because[\s\S]*not you/);
  expect(site.router.inFlight().blue).toBe(0);
});

test("an upgrade to an unknown host is answered 421", async () => {
  await using site = await startTestSite({});
  expect(await sendRaw(site.port, handshake.replace("app.test", "other.test"))).toMatch(/^HTTP\/1\.1 421 /);
});

test("Upgrade without the word of Connection is an ordinary request", async () => {
  await using slot = await startSlot((req, res) => res.end(String(req.headers.upgrade)));
  await using site = await startTestSite({ blue: slot.port });
  const answer = await sendRaw(
    site.port,
    "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n",
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*undefined/);
});

test("a change of protocol behind an unanswered request waits for its answer, like any other request", async () => {
  await using slot = await startShoutingSlot();
  slot.server.removeAllListeners("request");
  let answerSlow: () => void = () => undefined;
  slot.server.on("request", (_, res) => {
    answerSlow = () => res.end("slow");
  });
  let upgrades = 0;
  slot.server.on("upgrade", () => {
    upgrades += 1;
  });
  await using site = await startTestSite({ blue: slot.port });
  const client = talk(site.port, `GET /slow HTTP/1.1\r\nHost: app.test\r\n\r\n${handshake}early `);
  await until(() => site.router.inFlight().blue === 1);
  expect(upgrades).toBe(0);
  await until(() => {
    answerSlow();
    return client.got.includes("EARLY");
  });
  expect(client.got).toMatch(/^HTTP\/1\.1 200 [\s\S]*slowHTTP\/1\.1 101 /);
  client.socket.destroy();
});

test.each(["CONNECT app.test:80 HTTP/1.1\r\nHost: app.test\r\n\r\n", "\0 is no request\r\n\r\n"])(
  "what is refused behind an unanswered request is refused behind its answer",
  async (rest) => {
    await using slot = await startSlot((_, res) => {
      setImmediate(() => res.end("first"));
    });
    await using site = await startTestSite({ blue: slot.port });
    const answers = await sendRaw(site.port, `GET / HTTP/1.1\r\nHost: app.test\r\n\r\n${rest}`);
    expect(answers).toMatch(/^HTTP\/1\.1 200 [\s\S]*firstHTTP\/1\.1 400 /);
  },
);
