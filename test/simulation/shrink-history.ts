import type { GateOptions, HistoryOptions } from "./history-options.ts";
import type { HistoryResult } from "./run-history.ts";

/** Plays a history that is given by its options instead of its seed. */
export type Play = (options: HistoryOptions) => HistoryResult;

/** Histories that may be played to make one smaller: about a minute for a small fleet. */
export const shrinkTriesMax = 1500;

/**
 * The smallest history found that breaks the same promise as the given one: kinds of faults switched off, fewer hosts and sites, a
 * shorter time, and then single acts of fate and operators left out, for as long as the promise is still broken and by no more
 * events. Leaving something out changes what chance brings afterwards, so that the smaller history is another one with the same
 * end. Plays at most `triesMax`; both have to keep their traces.
 */
export function shrinkHistory(found: HistoryResult, play: Play, triesMax = shrinkTriesMax): HistoryResult {
  const promise = promiseOf(found);
  let smallest = found;
  let tries = 0;
  const take = (candidate: HistoryOptions): boolean => {
    if (tries >= triesMax) return false;
    tries++;
    const played = play(candidate);
    if (promiseOf(played) !== promise || played.trace.length > smallest.trace.length) return false;
    smallest = played;
    return true;
  };
  let isSmaller = true;
  while (isSmaller && tries < triesMax) {
    isSmaller = false;
    for (const simplify of simplifications) while (reseeded(simplify(smallest.options)).some(take)) isSmaller = true;
    if (leaveOutActs(() => smallest, take)) isSmaller = true;
  }
  return smallest;
}

/** With a fault less everything that is drawn after it falls out differently: more than one fall of the dice is tried. */
const reseeded = (options: HistoryOptions | undefined): readonly HistoryOptions[] =>
  options === undefined ? [] : [0, 1, 2, 3, 4, 5].map((more) => ({ ...options, seed: options.seed + more }));

/** `8` of `8: web-1 …`: what was broken, whoever it was that broke it. */
const promiseOf = ({ broken }: HistoryResult): string | undefined => broken?.split(":")[0];

/** The first half of what is left, the second, quarters, … single acts. */
function leaveOutActs(smallest: () => HistoryResult, take: (candidate: HistoryOptions) => boolean): boolean {
  let isSmaller = false;
  for (let size = Math.ceil(smallest().acts / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < smallest().acts; from += size) {
      const { options } = smallest();
      const without = new Set(options.without);
      const known = without.size;
      for (let act = from; act < from + size; act++) without.add(act);
      if (without.size > known && take({ ...options, without: [...without].sort((a, b) => a - b) })) isSmaller = true;
    }
  }
  return isSmaller;
}

type Simplify = (options: HistoryOptions) => HistoryOptions | undefined;

/** Kinds of faults and operators that a history can do without, by the option that tells how often they come. */
const kinds = [
  ...["loss", "repeat", "partitionEveryMs", "agentCrashEveryMs", "rebootEveryMs", "coordinatorCrashEveryMs"],
  ...["processCrashEveryMs", "crashAfterSave", "agentCrashAfterStep", "orderFailure", "edgeUnknown"],
  ...["operatorEveryMs", "hastyEveryMs"],
] as const;

const gateKinds: readonly (keyof GateOptions)[] = [
  ...(["freezeEveryMs", "haltAllEveryMs", "overrideEveryMs", "mendedAfterMs", "subset"] as const),
];

/** What most histories have nothing of. */
const optional = [
  ...(["gates", "programs", "keepers", "renewals", "reboots", "oneWay", "installsAhead"] as const),
  ...(["fullDiskEveryMs", "skipLostMs", "soakMs"] as const),
];

/** Each gives a smaller history or, where there is nothing of its kind left to take away, none. */
const simplifications: readonly Simplify[] = [
  ...optional.map(
    (kind): Simplify =>
      (options) =>
        options[kind] === undefined ? undefined : dropped(options, kind),
  ),
  ...kinds.map(
    (kind): Simplify =>
      (options) =>
        (options as unknown as Record<string, unknown>)[kind] === 0 ? undefined : { ...options, [kind]: 0 },
  ),
  (options) => (options.longOutage ? { ...options, longOutage: false } : undefined),
  (options) => (options.restoresBackup ? { ...options, restoresBackup: false } : undefined),
  (options) => (options.approval ? { ...options, approval: false } : undefined),
  ...gateKinds.map(
    (kind): Simplify =>
      ({ gates, ...rest }) =>
        gates === undefined || gates[kind] === 0 ? undefined : { ...rest, gates: { ...gates, [kind]: 0 } },
  ),
  (options) => fewer(options, "production", 1),
  (options) => fewer(options, "acceptance", 1),
  (options) => fewer(options, "sites", 1),
  (options) => fewer(options, "maxUnavailable", 1),
  (options) => (options.delayMs > 20 ? { ...options, delayMs: 20 } : undefined),
  (options) => (options.orderMs > 20 ? { ...options, orderMs: 20 } : undefined),
  (options) => (options.faultsMs > 60_000 ? { ...options, faultsMs: Math.ceil(options.faultsMs / 2) } : undefined),
];

/** Halves what is above the smallest at once, and then takes one by one. */
function fewer(
  options: HistoryOptions,
  what: "production" | "acceptance" | "sites" | "maxUnavailable",
  smallest: number,
): HistoryOptions | undefined {
  const now = options[what];
  return now <= smallest ? undefined : { ...options, [what]: Math.max(smallest, Math.floor(now / 2)) };
}

function dropped(options: HistoryOptions, what: (typeof optional)[number]): HistoryOptions {
  const { [what]: _, ...rest } = options;
  return rest;
}
