import { canonicalJson, type Instant, type Intent, type IntentBody } from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import { appendEvent } from "../store/event-log.ts";
import { readIntent, writeIntent } from "../store/intents.ts";
import type { Db, Store } from "../store/store.ts";

/** The intents of all hosts: derived from the store, numbered, on disk before anybody is sent them. */
export class IntentDesk {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The newest intent of a host under the fence of this coordinator; undefined before its first one. */
  newest(host: string, fence: number): Intent | undefined {
    const stored = readIntent(this.#store, host);
    if (stored === undefined || stored.digest === "") return undefined;
    const body = JSON.parse(stored.body) as IntentBody;
    return { host, generation: stored.generation, fence, digest: stored.digest, body };
  }

  /** Whether a body says anything else than the host's newest intent. */
  isNew(db: Db, host: string, body: IntentBody): boolean {
    return readIntent(db, host)?.digest !== sha256Text(canonicalJson(body));
  }

  /** Gives a host its next intent; it may be sent once the caller's transaction is on disk. */
  issue(db: Db, host: string, body: IntentBody, fence: number, at: Instant): void {
    const text = canonicalJson(body);
    const digest = sha256Text(text);
    const generation = (readIntent(db, host)?.generation ?? 0) + 1;
    writeIntent(db, { host, generation, fence, digest, body: text });
    const grants = body.grants.map((grant) => grant.id);
    const holding = grants.length === 0 ? "" : ` with grant ${grants.join(", ")}`;
    const sentence = `${host} has intent ${generation}${holding}`;
    appendEvent(db, {
      at,
      kind: "intent.issued",
      by: "coordinator",
      sentence,
      host,
      details: { generation, fence, digest, grants },
    });
  }
}
