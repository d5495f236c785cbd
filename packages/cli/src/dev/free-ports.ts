import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { Problem } from "@sluice/core";

/** Below the range from which kernels hand out ports by themselves, so that nobody gets ours between looking and binding. */
const lowest = 20_000;
const highest = 30_000;

/** Far more than a busy machine needs. */
const triesMax = 500;

/** Ports on which nothing listens on loopback at this moment, each once. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let tries = 0; tries < triesMax && found.size < count; tries += 1) {
    const port = randomInt(lowest, highest);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count)
    throw new Problem("port-taken", `cannot find ${count} free ports between ${lowest} and ${highest}`);
  return [...found];
}

/** Looks at all addresses, so that a port taken on one of them counts as taken. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
