import { lstat } from "node:fs/promises";

/** Of these files, in this order, as far as the file system tells without reading them: another one when any of them was changed. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(paths.map((path) => lstat(path, { bigint: true }).catch(() => undefined)));
  return stats
    .map((one) => (one === undefined ? "absent" : `${one.ino}:${one.size}:${one.mtimeNs}:${one.ctimeNs}`))
    .join(" ");
}
