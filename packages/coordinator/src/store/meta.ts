import type { Db } from "./store.ts";

/** Facts about the store itself that must outlive a restart. */
export type Flag =
  /** Why this store does not lead. */
  | "refusal"
  /** Highest fence heard from an agent that was ahead. */
  | "agents-fence"
  /** The log says that too many hosts are silent at once. */
  | "blind"
  /** Number of the next alert; none is given twice. */
  | "next-alert"
  /** The fence from which an operator let this store lead although agents were ahead. */
  | "adopted-fence"
  /** By environment and certificate: the renewed one for which a rollout was started last. */
  | `renewal/${string}`
  /** By rollout and host, with nothing in it: it completed without this host, which is to follow. */
  | LateFlag;

type LateFlag = `late/${string}/${string}`;

/** Hosts that completed rollouts skipped, in the order of the rollouts. */
export function readLateHosts(db: Db): readonly { readonly rollout: string; readonly host: string }[] {
  const rows = db.all<{ key: string }>("SELECT key FROM meta WHERE key LIKE 'late/%' ORDER BY key");
  return rows.map(({ key }) => {
    const [, rollout = "", host = ""] = key.split("/");
    return { rollout, host };
  });
}

export const lateFlag = (rollout: string, host: string): LateFlag => `late/${rollout}/${host}`;

/** The newest fence this store has led with; 0 before its first start. */
export function readFence(db: Db): number {
  return Number(read(db, "fence") ?? 0);
}

/** Remembers the fence from which this coordinator leads. It only ever grows. */
export function writeFence(db: Db, fence: number): void {
  write(db, "fence", String(fence));
}

export function readFlag(db: Db, flag: Flag): string | undefined {
  return read(db, flag);
}

/** `undefined` removes it. */
export function writeFlag(db: Db, flag: Flag, value: string | undefined): void {
  if (value === undefined) db.run("DELETE FROM meta WHERE key = ?", flag);
  else write(db, flag, value);
}

const read = (db: Db, key: string): string | undefined =>
  db.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;

function write(db: Db, key: string, value: string): void {
  db.run(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    value,
  );
}
