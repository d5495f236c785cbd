import { statSync } from "node:fs";
import { flushCompileCache, getCompileCacheDir } from "node:module";

/** Set for the second start, so that there is no third. */
const markVariable = "SLUICE_STARTED_OVER";

/**
 * Starts this process over in place – same pid, arguments, working folder and standard streams – when code had to be compiled for it,
 * and returns when that was done before. What compiling leaves in memory (some 30 MB) would otherwise stay for as long as it
 * runs. To be called once all code is loaded and before anything is begun; other files that are open are closed by it.
 */
export function startOverCompiled(): void {
  const isSecond = process.env[markVariable] !== undefined;
  delete process.env[markVariable];
  const before = lastAddedNs();
  flushCompileCache();
  if (isSecond || process.execve === undefined || lastAddedNs() === before) return;
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, [markVariable]: "1" });
}

/**
 * When something was last added to the compile cache; 0 without one. Node writes each entry beside its place and renames it, which
 * the folder itself shows: there may be thousands in it.
 */
function lastAddedNs(): bigint {
  const dir = getCompileCacheDir();
  return dir === undefined ? 0n : (statSync(dir, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n);
}
