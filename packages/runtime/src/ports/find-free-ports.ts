import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { Problem } from "@sluice/core/problems/problem";

export interface PortRange {
  readonly lowest: number;
  /** The first that is not in it. */
  readonly highest: number;
}

/**
 * Below the range from which kernels hand out ports to connections that go out (Linux: from 32768), so that none of those gets a
 * port between looking and listening, or while a program that owns it is down for a moment.
 */
export const slotPorts: PortRange = { lowest: 20_000, highest: 32_000 };

/** For ports that are chosen long before they are listened on: no slot takes one of these meanwhile. */
export const listeningPorts: PortRange = { lowest: 10_000, highest: 20_000 };

/** Far more than a busy machine needs. */
const triesMax = 500;

/** Ports on which nothing listens at this moment, on any address, each once and none of `taken`. */
export async function findFreePorts(
  count: number,
  { lowest, highest }: PortRange = listeningPorts,
  taken: ReadonlySet<number> = new Set(),
): Promise<readonly number[]> {
  const found = new Set<number>();
  for (let tries = 0; tries < triesMax && found.size < count; tries += 1) {
    const port = randomInt(lowest, highest);
    if (!found.has(port) && !taken.has(port) && (await isPortFree(port))) found.add(port);
  }
  if (found.size < count)
    throw new Problem("port-taken", `cannot find ${count} free ports between ${lowest} and ${highest}`);
  return [...found];
}

/** Whether a program could listen on `port` now; on any address unless `host` is given. */
export async function isPortFree(port: number, host?: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, exclusive: true, ...(host === undefined ? {} : { host }) });
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
}
