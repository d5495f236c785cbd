import type { SlotName, SlotTable, SlotTarget } from "@sluice/core/proxying/proxy-settings";
import { Upstream } from "../upstream/upstream.ts";

/** Connections kept for reuse per slot; more under way at once is fine, they are just not kept. */
const idleMax = 512;
/** Below the 5 s after which Node's and other common servers close an idle connection. */
const idleMs = 4000;

interface SlotUpstream {
  readonly slot: SlotName;
  readonly target: SlotTarget;
  readonly upstream: Upstream;
}

/** Knows the slots' addresses and which of them is live. A slot whose address changes keeps what is under way there. */
export class SlotRouter {
  #table: SlotTable;
  #current: Partial<Record<SlotName, SlotUpstream>> = {};
  /** Replaced or removed, with requests or tunnels still open. */
  #leaving: SlotUpstream[] = [];
  readonly #labels = new Map<Upstream, SlotUpstream>();

  constructor(table: SlotTable) {
    this.#table = table;
    this.#build();
  }

  get table(): SlotTable {
    return this.#table;
  }

  /** Where the next request goes; undefined while it has to be held. */
  live(): Upstream | undefined {
    const { live } = this.#table;
    return live === "hold" ? undefined : this.#current[live]?.upstream;
  }

  /** Which slot and release an upstream stands for. */
  whoIs(upstream: Upstream): { readonly slot: SlotName; readonly release: string } | undefined {
    const known = this.#labels.get(upstream);
    return known && { slot: known.slot, release: known.target.release };
  }

  /** Puts a new table in force; the next request uses it. */
  put(table: SlotTable): void {
    this.#table = table;
    this.#build();
  }

  inFlight(): Record<SlotName, number> {
    return this.#count((upstream) => upstream.inFlight);
  }

  upgrades(): Record<SlotName, number> {
    return this.#count((upstream) => upstream.upgrades);
  }

  close(): void {
    for (const { upstream } of this.#labels.values()) upstream.retire();
  }

  #build(): void {
    for (const slot of ["blue", "green"] as const) this.#place(slot, this.#table[slot]);
    this.#leaving = this.#leaving.filter(({ upstream }) => {
      const busy = upstream.inFlight + upstream.upgrades > 0;
      if (!busy) this.#labels.delete(upstream);
      return busy;
    });
  }

  #place(slot: SlotName, target: SlotTarget | undefined): void {
    const have = this.#current[slot];
    if (have !== undefined && target !== undefined && sameTarget(have.target, target)) return;
    if (have !== undefined) {
      have.upstream.retire();
      this.#leaving.push(have);
    }
    if (target === undefined) {
      delete this.#current[slot];
      return;
    }
    const upstream = new Upstream({ address: { host: target.host, port: target.port }, idleMax, idleMs });
    const placed = { slot, target, upstream };
    this.#current[slot] = placed;
    this.#labels.set(upstream, placed);
  }

  #count(of: (upstream: Upstream) => number): Record<SlotName, number> {
    const counts = { blue: 0, green: 0 };
    for (const entry of this.#leaving) counts[entry.slot] += of(entry.upstream);
    for (const slot of ["blue", "green"] as const) {
      const entry = this.#current[slot];
      if (entry !== undefined) counts[slot] += of(entry.upstream);
    }
    return counts;
  }
}

function sameTarget(a: SlotTarget, b: SlotTarget): boolean {
  return a.host === b.host && a.port === b.port && a.release === b.release;
}
