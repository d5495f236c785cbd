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
    heap.push(due);
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfLater(parent, child)) return;
      child = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const left = parent * 2 + 1;
      const child = this.#isLater(left, left + 1) ? left + 1 : left;
      if (!this.#swapIfLater(parent, child)) return;
      parent = child;
    }
  }

  #isLater(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.at > other.at || (one.at === other.at && one.order > other.order);
  }

  #swapIfLater(parent: number, child: number): boolean {
    const [one, other] = [this.#heap[parent], this.#heap[child]];
    if (one === undefined || other === undefined || !this.#isLater(parent, child)) return false;
    this.#heap[parent] = other;
    this.#heap[child] = one;
    return true;
  }
}
