import { type Instant, instant } from "@sluice/core";

interface Due {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

/** A clock that only moves from one planned event to the next; events of one instant happen in the order of planning. */
export class VirtualTime {
  #now = 1_700_000_000_000;
  #order = 0;
  readonly #heap: Due[] = [];

  get now(): Instant {
    return instant(this.#now);
  }

  after(ms: number, act: () => void): void {
    this.#push({ at: this.#now + Math.max(0, ms), order: this.#order++, act });
  }

  /** Runs events until the clock would pass `end`, or `stop` says so. */
  runUntil(end: number, stop: () => boolean): void {
    for (let due = this.#heap[0]; due !== undefined && due.at <= end && !stop(); due = this.#heap[0]) {
      this.#pop();
      this.#now = due.at;
      due.act();
    }
    if (!stop()) this.#now = Math.max(this.#now, end);
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isLater(above, due)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  /** The last one sinks from the top to its place. */
  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = at * 2 + 1;
      const [child, below] = this.#earlierOf(left, left + 1);
      if (below === undefined || !isLater(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }

  #earlierOf(left: number, right: number): readonly [number, Due | undefined] {
    const [one, other] = [this.#heap[left], this.#heap[right]];
    return one !== undefined && other !== undefined && isLater(one, other) ? [right, other] : [left, one];
  }
}

const isLater = (one: Due, other: Due): boolean =>
  one.at > other.at || (one.at === other.at && one.order > other.order);
