import { DatabaseSync } from "node:sqlite";

/** How long one start may keep another one waiting. */
const patienceMs = 10_000;

/**
 * Lets one process at a time start a keeper in a folder. The lock is the kernel's (fcntl, through SQLite), so it is gone with the
 * process that held it, however that ends. Throws when it is not to be had in time.
 */
export function takeStartLock(path: string): Disposable {
  const lock = new DatabaseSync(path, { timeout: patienceMs });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    throw error;
  }
  return { [Symbol.dispose]: () => lock.close() };
}
