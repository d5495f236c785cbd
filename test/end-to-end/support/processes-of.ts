import { execFileSync } from "node:child_process";

export interface SeenProcess {
  readonly pid: number;
  readonly command: string;
}

/** Every process whose command line names the folder. Zombies, which have no command line any more, don't count. */
export function processesOf(dir: string): readonly SeenProcess[] {
  const table = execFileSync("ps", ["-axo", "pid=,command="], { encoding: "utf8", maxBuffer: 16 * 1024 * 1024 });
  return table.split("\n").flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || command === undefined || (!command.includes(`${dir}/`) && !command.endsWith(dir)))
      return [];
    return Number(pid) === process.pid ? [] : [{ pid: Number(pid), command }];
  });
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
