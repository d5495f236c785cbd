import { readdirSync, statSync } from "node:fs";
import { flushCompileCache, getCompileCacheDir } from "node:module";
import { join } from "node:path";

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
  const before = newestCompiledMs();
  flushCompileCache();
  if (isSecond || process.execve === undefined || newestCompiledMs() === before) return;
  const args = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...process.env, [markVariable]: "1" });
}

/** When something was last added to the compile cache; 0 without one. */
function newestCompiledMs(): number {
  const dir = getCompileCacheDir();
  if (dir === undefined) return 0;
  return Math.max(
    0,
    ...readdirSync(dir).map((name) => statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
}
