import { readFileSync } from "node:fs";

/** The kernel's id of this boot, another one after every start of the machine (random(4)); undefined where it has none. */
export function readBootId(file = "/proc/sys/kernel/random/boot_id"): string | undefined {
  try {
    const id = readFileSync(file, "utf8").trim();
    return id === "" ? undefined : id;
  } catch {
    return undefined;
  }
}
