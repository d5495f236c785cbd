import { percentileOf } from "../measurements/spread.ts";
import type { PacedReport } from "./paced-load.ts";

/** Counts outcomes one by one: every request is either ok or has one failure. */
export class FailureTally {
  readonly #fromDueMs: number[] = [];
  readonly #failures = new Map<string, number>();
  #failed = 0;
  #slowestMs = 0;
  #longestWaitMs = 0;

  /** Of a right answer: how long the request waited for a client to be free, and how long it was under way then. */
  countOk(waitedMs: number, tookMs: number): void {
    this.#fromDueMs.push(waitedMs + tookMs);
    this.#longestWaitMs = Math.max(this.#longestWaitMs, waitedMs);
    this.#slowestMs = Math.max(this.#slowestMs, tookMs);
  }

  countFailed(why: string): void {
    this.#failed += 1;
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
  }

  report(): PacedReport {
    const sorted = this.#fromDueMs.toSorted((a, b) => a - b);
    return {
      sent: sorted.length + this.#failed,
      failed: this.#failed,
      failures: Object.fromEntries(this.#failures),
      p50Ms: percentileOf(sorted, 0.5),
      p99Ms: percentileOf(sorted, 0.99),
      slowestMs: this.#slowestMs,
      longestWaitMs: this.#longestWaitMs,
    };
  }
}
