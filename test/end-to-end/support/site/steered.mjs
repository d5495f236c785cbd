/**
 * A site that gets better and worse while it runs: each release behaves as the file says that its site.json names, which is read
 * anew for every request. What users get wrong is counted out, not drawn, so that every run is the same.
 * `{ "2": { "failEvery": { "www.shop.example": 20 }, "delayMs": { "search.shop.example": 60 }, "dead": ["www.shop.example"], "down": true } }`
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const { title, steering } = JSON.parse(readFileSync(new URL("site.json", import.meta.url), "utf8"));
const release = process.env.SLUICE_RELEASE ?? "";
/** Requests of users by name. */
const asked = new Map();

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { status, text } = await answerTo(request, Buffer.concat(chunks));
  response.writeHead(status, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
});

async function answerTo({ url, headers }, body) {
  if (url === "/ready") return { status: 200, text: "ready\n" };
  const name = (headers.host ?? "").replace(/:\d+$/, "");
  const { failEvery = {}, delayMs = {}, dead = [], down = false } = behaviour();
  if (dead.includes(name)) return { status: 400, text: "Bad Request - Invalid Hostname\n" };
  if (down) return { status: 500, text: "the database does not answer\n" };
  if (url === "/healthz") return { status: 200, text: `${title}\n` };
  const number = (asked.get(name) ?? 0) + 1;
  asked.set(name, number);
  if (delayMs[name] > 0) await delay(delayMs[name]);
  if (number % (failEvery[name] ?? Number.POSITIVE_INFINITY) === 0) return { status: 500, text: "a page is missing\n" };
  return url === "/echo" ? { status: 200, text: body } : { status: 200, text: `${title}, release ${release}\n` };
}

const behaviour = () => JSON.parse(readFileSync(steering, "utf8"))[release] ?? {};

server.keepAliveTimeout = 120_000;
server.listen(Number(process.env.PORT), process.env.HOST ?? "127.0.0.1");
process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
