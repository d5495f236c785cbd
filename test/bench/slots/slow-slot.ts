import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/**
 * An application that reads the whole request, thinks for a while and answers with its name, so that every change meets
 * requests that are under way: `node slow-slot.ts NAME PORT THINK_MS FOLDER`. The folder only tells whose process it is.
 */
const [name = "", port = "", thinkMs = ""] = process.argv.slice(2);

const server = createServer(async (request, response) => {
  for await (const _ of request);
  await delay(Number(thinkMs));
  response.setHeader("Content-Type", "text/plain").end(name);
});
server.keepAliveTimeout = 3_600_000;
server.listen(Number(port), "127.0.0.1");
