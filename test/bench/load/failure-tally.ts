import { percentileOf } from "../measurements/spread.ts";
import type { PacedReport } from "./paced-load.ts";

/** Counts outcomes one by one: every request is either ok or has one failure. */
export class FailureTally {
  readonly #tookMs: number[] = [];
  readonly #failures = new Map<string, number>();
  #failed = 0;

  countOk(tookMs: number): void {
    this.#tookMs.push(tookMs);
  }

  countFailed(why: string): void {
    this.#failed += 1;
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
  }

  report(): PacedReport {
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    return {
      sent: sorted.length + this.#failed,
      failed: this.#failed,
      failures: Object.fromEntries(this.#failures),
      p50Ms: percentileOf(sorted, 0.5),
      p99Ms: percentileOf(sorted, 0.99),
      slowestMs: sorted.at(-1) ?? Number.NaN,
    };
  }
}
