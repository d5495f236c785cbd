import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { Problem } from "@sluice/core";
import { takeDataLock } from "./data-lock.ts";
import { migrations } from "./schema.ts";

export type NamedValues = Readonly<Record<string, SQLInputValue>>;

/** Reads and writes by SQL; what is written inside `transact` is kept as a whole or not at all. */
export interface Db {
  /** Values in their order, or one record of named ones. */
  all<Row>(sql: string, ...values: readonly SQLInputValue[] | [NamedValues]): readonly Row[];
  get<Row>(sql: string, ...values: readonly SQLInputValue[]): Row | undefined;
  run(sql: string, ...values: readonly SQLInputValue[]): void;
}

/** The one database of a coordinator. Every commit is on disk when `transact` returns (WAL, synchronous=FULL). */
export interface Store extends Db, Disposable {
  readonly path: string;
  /** One decision: commits when `work` returns, changes nothing when it throws. Rejects with `disk-full` when there is no room. */
  transact<T>(work: (db: Db) => T): T;
}

export interface StoreOptions {
  readonly dataDir: string;
  /**
   * Called after each commit, with the store to read. When it throws, nothing is written any more: the folder is left
   * exactly as by a process that was killed at that point.
   */
  readonly afterCommit?: (store: Store) => void;
}

/** SQLITE_FULL and SQLITE_IOERR; anything else is a fault of ours. */
const diskErrors: readonly number[] = [13, 10];

/** Opens (or creates) `DIR/coordinator.db`, takes the folder for this process and brings the schema up to date. */
export function openStore(options: StoreOptions): Store {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const lock = takeDataLock(options.dataDir);
  try {
    return new SqliteStore(join(options.dataDir, "coordinator.db"), lock, options.afterCommit);
  } catch (cause) {
    lock[Symbol.dispose]();
    throw cause;
  }
}

class SqliteStore implements Store {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #lock: Disposable;
  readonly #afterCommit: ((store: Store) => void) | undefined;
  readonly #statements = new Map<string, StatementSync>();
  #writing = false;
  #open = true;
  #killed = false;

  constructor(path: string, lock: Disposable, afterCommit: ((store: Store) => void) | undefined) {
    this.path = path;
    this.#lock = lock;
    this.#afterCommit = afterCommit;
    closeSync(openSync(path, "a", 0o600));
    this.#db = new DatabaseSync(path);
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
    migrate(this.#db, path);
  }

  all<Row>(sql: string, ...values: readonly SQLInputValue[] | [NamedValues]): readonly Row[] {
    return this.#statement(sql).all(...(values as SQLInputValue[])) as unknown as readonly Row[];
  }

  get<Row>(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as unknown as Row | undefined;
  }

  run(sql: string, ...values: readonly SQLInputValue[]): void {
    if (!this.#writing) throw new Problem("internal", "cannot write to the store outside of a transaction");
    this.#statement(sql).run(...values);
  }

  transact<T>(work: (db: Db) => T): T {
    if (this.#writing) throw new Problem("internal", "cannot nest transactions");
    if (this.#killed) throw new Problem("internal", "cannot write to the store of a killed coordinator");
    const result = this.#commit(work);
    this.#killed = true;
    this.#afterCommit?.(this);
    this.#killed = false;
    return result;
  }

  #commit<T>(work: (db: Db) => T): T {
    this.#writing = true;
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const result = work(this);
      this.#db.exec("COMMIT");
      return result;
    } catch (cause) {
      if (this.#open && this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw asProblem(cause, this.path);
    } finally {
      this.#writing = false;
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const fresh = this.#db.prepare(sql);
    this.#statements.set(sql, fresh);
    return fresh;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.#statements.clear();
    this.#db.close();
    this.#lock[Symbol.dispose]();
  }
}

function migrate(db: DatabaseSync, path: string): void {
  const version = (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
  if (version > migrations.length) {
    throw new Problem(
      "state-corrupt",
      `cannot open store '${path}': its schema is version ${version}, this program knows up to ${migrations.length}`,
      {
        hint: "run the version of sluice that wrote it, or a newer one",
      },
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${migration} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

function asProblem(cause: unknown, path: string): unknown {
  const code = (cause as { readonly errcode?: number }).errcode;
  if (code === undefined || !diskErrors.includes(code & 0xff)) return cause;
  return new Problem("disk-full", `cannot write store '${path}': nothing was saved, nothing was decided`, {
    hint: "free space on the disk of the data folder; the coordinator goes on by itself",
    cause,
  });
}
