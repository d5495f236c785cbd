import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Tells processes with the same pid apart: when it started, and on Linux in which boot. Undefined when there is none or only a zombie. */
export function stampOf(pid: number): string | undefined {
  return process.platform === "linux" ? linuxStamp(pid) : psStamp(pid);
}

const bootId = process.platform === "linux" ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8) : "";

/** proc(5), `/proc/pid/stat`: state is field 3, starttime field 22; the name (field 2) may hold spaces and parentheses. */
function linuxStamp(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : `${bootId}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

function psStamp(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
    }).trim();
    return line === "" || line.startsWith("Z") ? undefined : line.replace(/^\S+\s+/, "");
  } catch {
    return undefined;
  }
}
