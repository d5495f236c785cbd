import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { KeeperClient } from "../keeper/keeper-client.ts";
import { parseProxyChildId } from "./child-ids.ts";
import { isProxySocket } from "./plan-proxy-child.ts";

/**
 * Lets go of what no proxy process needs any more: listening sockets that no child was given, run folders without a child.
 * `inUse` names what is being started and therefore stays. A port that the host no longer serves is then refused by the kernel instead of queueing connections for nobody.
 */
export async function sweepProxies(
  keeper: Pick<KeeperClient, "status" | "closeSocket">,
  runDir: string,
  inUse: ReadonlySet<string>,
): Promise<void> {
  const { sockets, children } = await keeper.status();
  const needed = new Set([...inUse, ...children.flatMap((child) => child.sockets)]);
  for (const { name } of sockets) {
    if (isProxySocket(name) && !needed.has(name)) await keeper.closeSocket(name);
  }
  const alive = new Set([...inUse, ...children.map(({ id }) => id)]);
  for (const name of await readdir(runDir).catch(() => [])) {
    if (parseProxyChildId(name) === undefined || alive.has(name)) continue;
    await rm(join(runDir, name), { recursive: true, force: true });
  }
}
