import { readdirSync, readFileSync } from "node:fs";

/** Ticks of utime and stime in /proc; fixed at 100 a second for user space on every Linux architecture Node runs on. */
const ticksPerSecond = 100;

interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly cpuMs: number;
  readonly command: string;
}

/** A process with all of its children and their children, as long as each lives. */
export function treeOf(root: number): readonly number[] {
  const all = allProcesses();
  const tree = [root];
  for (const pid of tree) tree.push(...all.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return tree;
}

/** Every process but this one whose command line names the folder or something in it. */
export function processesNaming(folder: string): readonly number[] {
  const named = allProcesses().filter(({ command }) =>
    command.split("\0").some((part) => part === folder || part.includes(`${folder}/`)),
  );
  return named.map(({ pid }) => pid).filter((pid) => pid !== process.pid);
}

/** User and system time of these processes so far; one that is gone counts nothing. */
export function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (look(pid)?.cpuMs ?? 0), 0);
}

/** Memory of these processes with what they share divided among all who share it. */
export function pssBytesOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + kilobytesIn(`/proc/${pid}/smaps_rollup`, "Pss") * 1024, 0);
}

/** Resident memory of one process, shared pages included. */
export function rssBytesOf(pid: number): number {
  return kilobytesIn(`/proc/${pid}/status`, "VmRSS") * 1024;
}

/** Content when it has ended by itself meanwhile. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function kilobytesIn(path: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(path, "utf8"))?.[1] ?? 0);
}

function allProcesses(): readonly SeenProcess[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (look(Number(name)) ?? []) : []));
}

/** Undefined when it is gone. */
function look(pid: number): SeenProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold blanks; what follows it is numbers.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return { pid, parent: Number(fields[1]), cpuMs: (ticks * 1000) / ticksPerSecond, command };
  } catch {
    return undefined;
  }
}
