/** What became of the requests of a load: every one is sent once, and is either ok or has one failure. */
export interface LoadReport {
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  readonly failures: readonly LoadFailure[];
  /** Requests that each host answered (or that were sent to it directly), failed ones included. */
  readonly byHost: Readonly<Record<string, { readonly sent: number; readonly failed: number }>>;
  /** Slowest answer that was right. */
  readonly slowestMs: number;
}

/** Failures alike: the same host, the same way in, the same reason. */
export interface LoadFailure {
  /** Where it failed; `unknown` when it came through an edge and no answer said who served it. */
  readonly host: string;
  readonly way: string;
  readonly reason: string;
  readonly count: number;
}

export type Outcome =
  | { readonly kind: "ok"; readonly host: string; readonly way: string; readonly tookMs: number }
  | { readonly kind: "failed"; readonly host: string; readonly way: string; readonly reason: string };

/** Counts outcomes one by one. */
export class LoadTally {
  #sent = 0;
  #ok = 0;
  #slowestMs = 0;
  readonly #failures = new Map<string, LoadFailure>();
  readonly #byHost = new Map<string, { sent: number; failed: number }>();

  countSent(): void {
    this.#sent += 1;
  }

  count(outcome: Outcome): void {
    const host = this.#byHost.get(outcome.host) ?? { sent: 0, failed: 0 };
    this.#byHost.set(outcome.host, host);
    host.sent += 1;
    if (outcome.kind === "ok") {
      this.#ok += 1;
      this.#slowestMs = Math.max(this.#slowestMs, outcome.tookMs);
      return;
    }
    host.failed += 1;
    const key = `${outcome.host} ${outcome.way} ${outcome.reason}`;
    const { host: name, way, reason } = outcome;
    this.#failures.set(key, { host: name, way, reason, count: (this.#failures.get(key)?.count ?? 0) + 1 });
  }

  /** Requests without an outcome yet. */
  get open(): number {
    return this.#sent - this.#ok - this.#failedCount();
  }

  report(): LoadReport {
    return {
      sent: this.#sent,
      ok: this.#ok,
      failed: this.#failedCount(),
      failures: [...this.#failures.values()].sort((a, b) => b.count - a.count),
      byHost: Object.fromEntries(this.#byHost),
      slowestMs: this.#slowestMs,
    };
  }

  #failedCount(): number {
    return [...this.#failures.values()].reduce((sum, failure) => sum + failure.count, 0);
  }
}
