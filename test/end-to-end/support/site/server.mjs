/**
 * The site of the end-to-end fleets. It answers under every name, echoes bodies and websockets, gives long answers, and does
 * what the release's site.json says: `{ "variant": "good" | "dies" | "fails-public" }`.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { title, variant } = JSON.parse(readFileSync(new URL("site.json", import.meta.url), "utf8"));
const about = {
  site: process.env.SLUICE_SITE,
  release: process.env.SLUICE_RELEASE,
  slot: process.env.SLUICE_SLOT,
  pid: process.pid,
};

if (variant === "dies") {
  console.error("cannot open the database: no such file");
  process.exit(3);
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://site");
  response.setHeader("X-Release", about.release ?? "");
  response.setHeader("X-Slot", about.slot ?? "");
  const isPublic = (request.headers.host ?? "").startsWith("www.");
  if (variant === "fails-public" && isPublic && url.pathname === "/") return answer(response, 500, "no theme\n");
  if (url.pathname === "/echo") return request.pipe(response);
  if (url.pathname === "/digest") return digest(request, response);
  request.resume();
  switch (url.pathname) {
    case "/":
      return answer(response, 200, `${title}, release ${about.release} in ${about.slot}\n`);
    case "/about":
      return answer(response, 200, `${JSON.stringify(about)}\n`);
    case "/trickle":
      response.writeHead(200, { "Content-Type": "text/plain" });
      response.write("first\n");
      setTimeout(() => response.end("last\n"), Number(url.searchParams.get("ms")));
      return;
    case "/long":
      return long(response, Number(url.searchParams.get("bytes")));
    default:
      return answer(response, 404, "no such page\n");
  }
});

function answer(response, status, text) {
  response.writeHead(status, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

/** Reads a body to its end and answers with what it was. */
async function digest(request, response) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  answer(response, 200, JSON.stringify({ bytes, sha256: hash.digest("hex") }));
}

/** `bytes` bytes, as fast as they are taken. */
function long(response, bytes) {
  response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": bytes });
  const chunk = Buffer.alloc(64 * 1024, "x");
  let left = bytes;
  const write = () => {
    while (left > 0) {
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      if (!response.write(part)) return response.once("drain", write);
    }
    response.end();
  };
  write();
}

/** After the handshake every byte comes back; `release` first, so that the client knows who it speaks to. */
const upgraded = new Set();
/** RFC 6455 §4.2.2. */
const acceptOf = (key) => createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
server.on("upgrade", (request, socket, head) => {
  upgraded.add(socket);
  socket.on("close", () => upgraded.delete(socket));
  const accept = acceptOf(request.headers["sec-websocket-key"]);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(`release ${about.release}\n`);
  if (head.length > 0) socket.write(head);
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});

server.keepAliveTimeout = 120_000;
server.listen(Number(process.env.PORT), process.env.HOST ?? "127.0.0.1");
process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  for (const socket of upgraded) socket.destroy();
});
