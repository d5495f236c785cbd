import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Problem } from "@sluice/core";

/**
 * Takes the data folder for this process, or says that another one has it. The lock is a kernel lock held through an
 * open SQLite transaction, so that it ends with the process however that ends: no stale lock file has to be judged.
 */
export function takeDataLock(dataDir: string): Disposable {
  const path = join(dataDir, "coordinator.lock");
  closeSync(openSync(path, "a", 0o600));
  const lock = new DatabaseSync(path, { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new Problem("unit-busy", `cannot open data folder '${dataDir}': another coordinator is running on it`, {
      hint: "stop the other coordinator first, or pass another --data folder",
      cause,
    });
  }
  return { [Symbol.dispose]: () => lock.close() };
}
