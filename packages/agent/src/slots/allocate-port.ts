import { once } from "node:events";
import { createServer } from "node:net";
import { Problem } from "@sluice/core";

/** Slots listen where only this machine can reach them. */
export const slotHost = "127.0.0.1";

/** Enough to get around ports that other slots own but do not listen on right now. */
const attemptsMax = 50;

/** A free port by the kernel's choice, none of `taken`: a slot that is down for a moment must find its own port free. */
export async function allocatePort(taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = await tryPort(0);
    if (port !== undefined && !taken.has(port)) return port;
  }
  throw new Problem("port-taken", `cannot find a free port on ${slotHost} for a slot`);
}

/** Whether a slot could listen on `port` now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await tryPort(port)) !== undefined;
}

async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ host: slotHost, port, exclusive: true });
    await once(server, "listening");
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : undefined;
  } catch {
    return undefined;
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
}
