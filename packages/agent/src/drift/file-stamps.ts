import { lstat } from "node:fs/promises";
import { stampText } from "@sluice/runtime/files/file-stamp";

/** Of these files, in this order, links by themselves, as far as the file system tells without reading them: another one when any was changed. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(paths.map((path) => lstat(path, { bigint: true }).catch(() => undefined)));
  return stats.map(stampText).join(" ");
}
