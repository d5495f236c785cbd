// JavaScript, so that it can be loaded before TypeScript is.
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * From now on what has been compiled once is not compiled again. The folder is one that only this user may write to – systemd's
 * CacheDirectory, else `sluice` in the user's cache – because what lies there is run: in /tmp, Node's own choice, anybody could put it there
 * first. Without such a folder everything is compiled at every start.
 */
export function useCompileCache() {
  const folder = cacheFolder();
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
