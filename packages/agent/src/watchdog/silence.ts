/**
 * For how long a program has given no sign of life, counted in looks. A look that comes late, because this process or the whole machine
 * stood still, counts as one that came in time: who could not listen has heard no silence. Before its first sign nothing is expected.
 */
export class Silence {
  readonly #lookEveryMs: number;
  #lookedAt: number | undefined;
  #silentMs: number | undefined;

  constructor(lookEveryMs: number) {
    this.#lookEveryMs = lookEveryMs;
  }

  /** It gave a sign. */
  heard(): void {
    this.#silentMs = 0;
  }

  /** To be asked every `lookEveryMs`, with a time that only grows; undefined before the first sign. */
  look(nowMs: number): number | undefined {
    const passedMs = this.#lookedAt === undefined ? 0 : Math.min(nowMs - this.#lookedAt, 2 * this.#lookEveryMs);
    this.#lookedAt = nowMs;
    if (this.#silentMs !== undefined) this.#silentMs += passedMs;
    return this.#silentMs;
  }
}
