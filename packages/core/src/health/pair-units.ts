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

/**
 * Lays units of the same time beside each other, in order of time; a unit of which nobody counted anything is none. Each list is
 * in order of time and has each time once.
 */
export function pairUnits(changed: readonly Unit[], others: readonly (readonly Unit[])[]): readonly PairedUnit[] {
  const pairs: PairedUnit[] = [];
  const ends = others.map(() => 0);
  let own = 0;
  for (;;) {
    const startsAt = earliest(changed[own], others, ends);
    if (startsAt === undefined) return pairs;
    const unit = changed[own]?.startsAt === startsAt ? changed[own++] : undefined;
    pairs.push({ startsAt, changed: unit ?? nothing, ...takeOthers(others, ends, startsAt) });
  }
}

function earliest(own: Unit | undefined, others: readonly (readonly Unit[])[], ends: readonly number[]) {
  let first = own?.startsAt;
  for (let i = 0; i < others.length; i++) {
    const next = others[i]?.[ends[i] ?? 0]?.startsAt;
    if (next !== undefined && (first === undefined || next < first)) first = next;
  }
  return first;
}

/** Adds up what the others counted at this time, and moves on by it. */
function takeOthers(others: readonly (readonly Unit[])[], ends: number[], startsAt: Instant) {
  let requests = 0;
  let bad = 0;
  let hosts = 0;
  for (let i = 0; i < others.length; i++) {
    const end = ends[i] ?? 0;
    const unit = others[i]?.[end];
    if (unit?.startsAt !== startsAt) continue;
    requests += unit.requests;
    bad += unit.bad;
    hosts++;
    ends[i] = end + 1;
  }
  return { others: { requests, bad }, hosts };
}
