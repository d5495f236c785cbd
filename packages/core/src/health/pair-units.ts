import type { Instant } from "../units/time.ts";
import type { Unit } from "./evidence-units.ts";
import type { Tally } from "./verdict-row.ts";

/** A unit of the host under test beside the hosts it is compared with, of which `hosts` had requests. */
export interface PairedUnit {
  readonly startsAt: Instant;
  readonly changed: Tally & { readonly failure?: string };
  readonly others: Tally;
  readonly hosts: number;
}

const nothing: Tally = { requests: 0, bad: 0 };

/** Lays units of the same time beside each other, in order of time; a unit of which nobody counted anything is none. */
export function pairUnits(changed: readonly Unit[], others: readonly (readonly Unit[])[]): readonly PairedUnit[] {
  const pairs = new Map<Instant, PairedUnit>();
  for (const unit of changed)
    pairs.set(unit.startsAt, { startsAt: unit.startsAt, changed: unit, others: nothing, hosts: 0 });
  for (const { startsAt, requests, bad } of others.flat()) {
    const pair = pairs.get(startsAt) ?? { startsAt, changed: nothing, others: nothing, hosts: 0 };
    const sum = { requests: pair.others.requests + requests, bad: pair.others.bad + bad };
    pairs.set(startsAt, { ...pair, others: sum, hosts: pair.hosts + 1 });
  }
  return [...pairs.values()].sort((a, b) => a.startsAt - b.startsAt);
}
