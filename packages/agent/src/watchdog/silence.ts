/**
 * For how long a program has given no sign of life, counted in looks. A look that comes late, because this process or the whole machine
 * stood still, counts as one that came in time: who could not listen has heard no silence.
 */
export class Silence {
  readonly #lookEveryMs: number;
  #lookedAt: number | undefined;
  #silentMs = 0;
  #wasHeard = false;

  constructor(lookEveryMs: number) {
    this.#lookEveryMs = lookEveryMs;
  }

  /** It has given a sign. */
  get wasHeard(): boolean {
    return this.#wasHeard;
  }

  /** It gave a sign. */
  heard(): void {
    this.#wasHeard = true;
    this.#silentMs = 0;
  }

  /** Since its last sign, or since the first look. To be asked every `lookEveryMs`, with a time that only grows. */
  look(nowMs: number): number {
    const passedMs = this.#lookedAt === undefined ? 0 : Math.min(nowMs - this.#lookedAt, 2 * this.#lookEveryMs);
    this.#lookedAt = nowMs;
    this.#silentMs += passedMs;
    return this.#silentMs;
  }
}
