import { lstatSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { stampText } from "@sluice/runtime/files/file-stamp";

/** So many are looked at in place: on another thread each would cost ten times as much. More would hold up everything else. */
const inPlaceMax = 32;

/** Of these files, in this order, links by themselves, as far as the file system tells without reading them: another one when any was changed. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  if (paths.length <= inPlaceMax) return paths.map(stampInPlace).join(" ");
  const stats = await Promise.all(paths.map((path) => lstat(path, { bigint: true }).catch(() => undefined)));
  return stats.map(stampText).join(" ");
}

function stampInPlace(path: string): string {
  try {
    return stampText(lstatSync(path, { bigint: true }));
  } catch {
    return stampText(undefined);
  }
}
