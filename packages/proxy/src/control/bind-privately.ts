import { chmod, rename } from "node:fs/promises";
import type { Server } from "node:net";
import { Problem } from "@sluice/core/problems/problem";

/** `sun_path` of macOS, the shortest of the systems we run on, without its closing NUL. */
const pathBytesMax = 103;

/**
 * Listens on a unix socket that only its owner can open. The socket is bound under a name of this process and renamed:
 * closing a server unlinks the name it was bound to, which would otherwise take the socket of a successor with it.
 */
export async function bindPrivately(server: Server, path: string): Promise<void> {
  const own = `${path}.${process.pid}`;
  if (Buffer.byteLength(own) > pathBytesMax) {
    throw new Problem(
      "usage-invalid",
      `cannot bind ${path}: the path of a unix socket may have ${pathBytesMax} bytes`,
      {
        hint: "choose a shorter data folder",
      },
    );
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(own, () => {
      server.off("error", reject);
      resolve();
    });
  });
  await chmod(own, 0o600);
  await rename(own, path);
}
