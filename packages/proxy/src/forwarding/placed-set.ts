/** What can be in a {@link PlacedSet}. */
export interface Placed {
  /** Where it is in the one set that it may be in; -1: in none. Only the set writes it. */
  place: number;
}

/**
 * A set for what comes and goes with every request; in no order. A `Set` makes its table anew whenever enough was deleted from it, and V8
 * links each old table to its successor: once one of them has been promoted to the old generation, it keeps all later ones, and the
 * requests in them, from being collected while they are young. Adding and deleting here allocates nothing and links nothing.
 */
export class PlacedSet<T extends Placed> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  /** Content when it is in already. */
  add(one: T): void {
    if (one.place === -1) one.place = this.#all.push(one) - 1;
  }

  /** Content when it is not in. */
  delete(one: T): void {
    const { place } = one;
    if (place === -1) return;
    one.place = -1;
    const last = this.#all.pop();
    if (last === undefined || last === one) return;
    last.place = place;
    this.#all[place] = last;
  }

  /** Calls `visit` with each that is in now; it may add and delete meanwhile, and then may see one twice. */
  each(visit: (one: T) => void): void {
    // From the end, where those that move when one is deleted were visited already.
    for (let place = this.#all.length - 1; place >= 0; place -= 1) {
      const one = this.#all[place];
      if (one !== undefined) visit(one);
    }
  }
}
