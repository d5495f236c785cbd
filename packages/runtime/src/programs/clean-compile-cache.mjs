// JavaScript, so that it can be loaded before TypeScript is.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** Started last: a host has one installed by hand, a proven agent and keeper, and one of them on trial; a dozen megabytes each. */
const keptMax = 4;
/** Ours, and those that Node made in the same place for versions of Sluice that had no folder of their own. */
const names = /^(program-[0-9a-f]{16}|v\d+\.\d+\.\d+-.+)$/;

/**
 * Of the program that is installed there, under this Node: what another one compiled is of no use to it.
 * @param {string} installation
 */
export const folderOf = (installation) =>
  `program-${createHash("sha256").update(`${process.version} ${installation}`).digest("hex").slice(0, 16)}`;

/**
 * Where a folder says whose it is.
 * @param {string} folder
 */
export const markOf = (folder) => join(folder, "installation");

/**
 * Removes what was compiled of programs that are gone from the disk, and of others all but the few that were started last and those that
 * run. Whoever loses his compiles again at his next start, and that is all.
 * @param {string} base
 */
export function cleanCompileCache(base) {
  const found = readdirSync(base)
    .filter((name) => names.test(name))
    .map((name) => folderAt(join(base, name)))
    .sort((a, b) => b.startedMs - a.startedMs);
  const running = found.length > keptMax ? runningFiles() : [];
  const kept = new Set();
  for (const { folder, installation } of found) {
    const isGone = installation !== undefined && !existsSync(installation);
    const isFew = kept.size < keptMax;
    // Of one program under several Nodes, the one it was started with last.
    const isNewest = ![...kept].some((one) => one.installation === installation);
    const runs = installation !== undefined && isNewest && running.some((file) => file.startsWith(installation));
    if (!isGone && (isFew || runs)) kept.add({ installation });
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
function folderAt(folder) {
  const startedMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  try {
    return { folder, startedMs, installation: readFileSync(markOf(folder), "utf8") };
  } catch {
    return { folder, startedMs, installation: undefined };
  }
}

/** Files that processes were started with, as far as the system tells: Linux does. */
function runningFiles() {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => filesOf(`/proc/${pid}/cmdline`));
  } catch {
    return [];
  }
}

/** @param {string} path */
function filesOf(path) {
  try {
    const words = readFileSync(path, "utf8").split("\0");
    return words.filter((word) => word.startsWith("/")).map(realFile);
  } catch {
    return [];
  }
}

/** @param {string} path */
function realFile(path) {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
