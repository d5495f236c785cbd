import type { Db } from "./store.ts";

/** The newest intent of a host as it was (or is about to be) sent. */
export interface StoredIntent {
  readonly host: string;
  readonly generation: number;
  /** The newest fence that the host was told of. */
  readonly fence: number;
  readonly digest: string;
  /** Canonical JSON of the body: exactly the bytes that the digest is taken over. */
  readonly body: string;
}

export function readIntent(db: Db, host: string): StoredIntent | undefined {
  return db.get<StoredIntent>("SELECT host, generation, fence, digest, body FROM intents WHERE host = ?", host);
}

export function writeIntent(db: Db, intent: StoredIntent): void {
  db.run(
    `INSERT INTO intents (host, generation, fence, digest, body) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (host) DO UPDATE SET generation = excluded.generation, fence = excluded.fence, digest = excluded.digest, body = excluded.body`,
    intent.host,
    intent.generation,
    intent.fence,
    intent.digest,
    intent.body,
  );
}
