/** Wakes whoever waits that something changed; carries nothing, because a hint is never an input. */
export class Bell {
  #rings = 0;
  #waiting = new Set<() => void>();

  /** How often it rang; read before looking at the world, so that a ring while looking is not missed. */
  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings += 1;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves as soon as it has rung more than `heard` times, or when `signal` aborts. */
  wait(heard: number, signal: AbortSignal): Promise<void> {
    if (this.#rings > heard || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
