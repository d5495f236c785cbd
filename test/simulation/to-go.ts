/** What the checks must see of a host to say how long something has been there that had to go. */
export interface GoingHost {
  /** Since when its agent has been there without a break; undefined while it is not. */
  readonly agentSince: number | undefined;
  readonly localNow: number;
}

/** What an agent that is there may take to notice that something has to go, and to make it go against failing orders. */
const goneWithinMs = 60_000;

/** Things of one host that have to go, and since when. */
export class ToGo {
  readonly #since = new Map<string, number>();

  forget(): void {
    this.#since.clear();
  }

  /** All that has to go at this moment. Answers with the first of it that an agent has had the time to end, and for how long it had. */
  overdue(
    keys: ReadonlySet<string>,
    { agentSince, localNow }: GoingHost,
  ): { readonly key: string; readonly ms: number } | undefined {
    for (const key of this.#since.keys()) if (!keys.has(key)) this.#since.delete(key);
    for (const key of keys) {
      const since = this.#since.get(key) ?? localNow;
      this.#since.set(key, since);
      if (agentSince === undefined) continue;
      const ms = localNow - Math.max(since, agentSince);
      if (ms > goneWithinMs) return { key, ms };
    }
    return undefined;
  }
}
