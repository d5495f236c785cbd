import type { Ids } from "./ids.ts";

/** `<prefix>-<counter>` for tests and simulated histories: the same run names the same things. */
export function createSequentialIds(): Ids {
  let count = 0;
  return {
    newId(prefix) {
      count += 1;
      return `${prefix}-${count.toString(16).padStart(32, "0")}`;
    },
  };
}
