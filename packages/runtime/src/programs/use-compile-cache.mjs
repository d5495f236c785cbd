// JavaScript, so that it can be loaded before TypeScript is.
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cleanCompileCache, folderOf, markOf } from "./clean-compile-cache.mjs";

/** What this program is installed in, where it really is. */
const installation = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * From now on what has been compiled once is not compiled again. The folder is one that only this user may write to – systemd's
 * CacheDirectory, else `sluice` in the user's cache – because what lies there is run: in /tmp, Node's own choice, anybody could put it there
 * first. Without such a folder everything is compiled at every start. Each installation has its own in it; the first start of one
 * clears away what others have left behind.
 */
export function useCompileCache() {
  const base = cacheFolder();
  const folder = base === undefined ? undefined : ownFolder(base);
  if (folder !== undefined) enableCompileCache(folder);
}

/** @returns {string | undefined} */
function cacheFolder() {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME } = process.env;
  // systemd separates several by colons.
  if (CACHE_DIRECTORY) return CACHE_DIRECTORY.split(":", 1)[0];
  try {
    return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "sluice");
  } catch {
    return undefined;
  }
}

/**
 * @param {string} base
 * @returns {string | undefined}
 */
function ownFolder(base) {
  const folder = join(base, folderOf(installation));
  try {
    const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
    // When it was started last; Node adds to a folder below.
    const now = new Date();
    if (isNew) writeFileSync(markOf(folder), installation);
    utimesSync(folder, now, now);
    if (isNew) cleanCompileCache(base);
    return folder;
  } catch {
    return undefined;
  }
}
