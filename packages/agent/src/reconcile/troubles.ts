import { Problem } from "@sluice/core/problems/problem";
import type { Log } from "@sluice/runtime/logs/open-log";

/** What does not work at the moment and is tried again, one sentence for each place it happens in. */
export class Troubles {
  readonly #log: Log;
  readonly #sentences = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  get sentences(): readonly string[] {
    return [...this.#sentences.values()];
  }

  /** Logged when it is new: the same failure every second is one event. */
  note(place: string, error: unknown): void {
    const sentence = sentenceOf(error);
    if (this.#sentences.get(place) === sentence) return;
    this.#sentences.set(place, sentence);
    const survived = error instanceof Problem || typeof error === "string";
    this.#log[survived ? "warn" : "error"]({ place, err: error }, "reconcile.trying-again");
  }

  over(place: string): void {
    this.#sentences.delete(place);
  }
}

export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
