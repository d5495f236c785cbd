import type { Instant, ProbeOutcome, ProbeQuestion, ProbeResult } from "@sluice/core";
import type { ProbedRound } from "./report.ts";

interface Answered {
  readonly answers: ProbedRound["answers"];
  at: Instant;
  isWritten: boolean;
}

/** When each way of a host last said anything of it, good or bad. Rounds that are answered as before cost one note. */
export class HeardWays {
  /** By host, and `binding|hop`. */
  readonly #ways = new Map<string, Map<string, Instant>>();
  readonly #newest = new Map<string, Answered>();

  note(host: string, results: readonly ProbeResult[], at: Instant): void {
    if (results.length > 0) this.#write(host, results, at);
  }

  noteRound(host: string, { answers }: ProbedRound, at: Instant): void {
    const newest = this.#newest.get(host);
    if (newest?.answers === answers) {
      newest.at = at;
      newest.isWritten = false;
    } else {
      this.#settle(host);
      this.#newest.set(host, { answers, at, isWritten: false });
    }
  }

  at(host: string, binding: string, hop: string): Instant | undefined {
    this.#settle(host);
    return this.#ways.get(host)?.get(`${binding}|${hop}`);
  }

  #settle(host: string): void {
    const newest = this.#newest.get(host);
    if (newest === undefined || newest.isWritten) return;
    for (const asked of Object.values(newest.answers)) this.#write(host, asked, newest.at);
    newest.isWritten = true;
  }

  #write(host: string, asked: readonly (ProbeQuestion & { readonly outcome: ProbeOutcome })[], at: Instant): void {
    const ways = this.#ways.get(host) ?? new Map<string, Instant>();
    this.#ways.set(host, ways);
    for (const { binding, hop, outcome } of asked) {
      const key = `${binding}|${hop}`;
      if (outcome.kind !== "unknown" && (ways.get(key) ?? 0) < at) ways.set(key, at);
    }
  }
}
