import { failuresWithoutReference, suspectEvidence } from "./rule.ts";
import type { Weighed } from "./weigh.ts";

/**
 * The strata that halt the rollout; none: nothing does. Evidence of all strata and hosts is added up by its weights, as it is
 * now; the probability that the sum ever reaches its bar in a rollout that makes nothing worse is `falseHalt` at most.
 */
export function findRegressed(weighed: readonly Weighed[]): readonly Weighed[] {
  const found = [...regressedBySum(weighed), ...regressedBesideOthers(weighed), ...weighed.filter(neverWorked)];
  return [...new Set(found)];
}

/** Weighted evidence as a share of what the sum needs: 1 halts. */
const contribution = ({ logEvidence, logBar }: Weighed): number => Math.exp(logEvidence - logBar);

/** Those that reach the bar alone; if only their sum does, the largest until it does. */
function regressedBySum(weighed: readonly Weighed[]): readonly Weighed[] {
  const sorted = weighed.toSorted((a, b) => contribution(b) - contribution(a));
  if (sorted.reduce((sum, one) => sum + contribution(one), 0) < 1) return [];
  const alone = sorted.filter((one) => contribution(one) >= 1);
  if (alone.length > 0) return alone;
  let sum = 0;
  const end = sorted.findIndex((one) => {
    sum += contribution(one);
    return sum >= 1;
  });
  return sorted.slice(0, end < 0 ? undefined : end + 1);
}

/**
 * Among all strata that changed beyond doubt, the evidence that the others do *not* share the trouble is averaged, since each of
 * them would get its own chance of 1 in 20 otherwise.
 */
function regressedBesideOthers(weighed: readonly Weighed[]): readonly Weighed[] {
  const changed = weighed.flatMap((one) =>
    one.lenient !== undefined && one.lenient.logChanged >= one.logBar ? [{ one, log: one.lenient.logNotShared }] : [],
  );
  const mean = changed.reduce((sum, { log }) => sum + Math.exp(log), 0) / changed.length;
  if (changed.length === 0 || mean < suspectEvidence) return [];
  return changed.filter(({ log }) => log >= Math.log(suspectEvidence)).map(({ one }) => one);
}

/** Nothing can be compared, so the expectation of the probe itself decides. */
const neverWorked = ({ references, test }: Weighed): boolean =>
  references === "nothing" && test.stratum.source === "probe" && test.badInRow >= failuresWithoutReference;
