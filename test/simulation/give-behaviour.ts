import type { History } from "./history.ts";
import type { Behaviour } from "./history-options.ts";

/** Faults of settings go to a proxy or front, faults of releases to the site; the rest of a deployment is good. */
export function giveBehaviour(
  { behaviours, prng }: History,
  units: readonly { readonly unit: string; readonly digest: string }[],
  behaviour: Behaviour,
): void {
  const isOfSettings = behaviour.startsWith("misses-");
  const able = units.filter(({ unit }) => unit.startsWith("site:") !== isOfSettings);
  if (able.length > 0) behaviours.set(prng.pick(able).digest, behaviour);
}
