import { canonicalJson, type Instant, type Intent, type IntentBody, sameJson } from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import { appendEvent } from "../store/event-log.ts";
import { readIntent, writeIntent } from "../store/intents.ts";
import type { Db, Store } from "../store/store.ts";

/** The intents of all hosts: derived from the store, numbered, on disk before anybody is sent them. */
export class IntentDesk {
  readonly #store: Store;
  /** The bodies that were compared last, by host: most say the same as before, part by part, and need no text to show it. */
  readonly #compared = new Map<string, { readonly body: IntentBody; readonly digest: string }>();

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
    return readIntent(db, host)?.digest !== this.#digestOf(host, body);
  }

  #digestOf(host: string, body: IntentBody): string {
    const known = this.#compared.get(host);
    const digest = known !== undefined && sameJson(known.body, body) ? known.digest : sha256Text(canonicalJson(body));
    this.#compared.set(host, { body, digest });
    return digest;
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
