import { type FleetDiff, unitsOf } from "../fleet/diff-fleets.ts";
import type { FleetChange } from "../fleet/fleet-change.ts";
import { describeUnit } from "./describe-unit.ts";

/** The change and what it means: which units on which hosts have to be activated, or that none has to. */
export function describeChange(change: FleetChange, diff: FleetDiff): string {
  const affected = unitsOf(change, diff);
  if (affected.length === 0) return `${change.sentence}; takes effect without an activation`;
  const units = [...new Set(affected.map(({ unit }) => describeUnit(unit)))];
  const hosts = [...new Set(affected.map(({ host }) => host))];
  return `${change.sentence}; changes ${units.join(", ")} on ${hosts.join(", ")}`;
}
