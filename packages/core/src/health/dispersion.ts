import { type DurationMs, seconds } from "../units/time.ts";
import { mergeUnits, type Unit } from "./evidence-units.ts";
import { blockMs } from "./traffic-block.ts";

/**
 * How much the bad shares of units scatter beyond chance: Pearson's χ² per degree of freedom against the pooled share. 1 is
 * chance; bursts make it more, and the more of them a longer unit catches whole, the faster it grows with the length.
 */
export function dispersion(units: readonly Unit[]): number {
  const requests = units.reduce((sum, unit) => sum + unit.requests, 0);
  const bad = units.reduce((sum, unit) => sum + unit.bad, 0);
  const share = requests === 0 ? 0 : bad / requests;
  if (units.length < 2 || share === 0 || share === 1) return 1;
  const squares = units.reduce((sum, unit) => sum + (unit.bad - unit.requests * share) ** 2 / unit.requests, 0);
  return squares / (share * (1 - share)) / (units.length - 1);
}

/** How long a unit has to be to hold a typical burst (health-verdict §2.7). Less scatter than by chance comes of no bursts. */
export function unitLength(units: readonly Unit[]): DurationMs {
  const byMinutes = Math.max(1, dispersion(mergeUnits(units, seconds(60))));
  return byMinutes / Math.max(1, dispersion(units)) > 2 ? seconds(30) : blockMs;
}
