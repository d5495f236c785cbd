import { createPrng, type Prng } from "./prng.ts";

/** What a release does to the hosts it is activated on. */
export type Behaviour = "good" | "dies-on-start" | "bad-before" | "bad-after" | "bad-edge" | "bad-later";

/** Everything a seed decides before the first event; printed with every failure. */
export interface HistoryOptions {
  readonly seed: number;
  readonly acceptance: number;
  readonly production: number;
  readonly maxUnavailable: number;
  readonly onRegression: "revert" | "hold";
  readonly approval: boolean;
  /** Chance that a message is lost, or delivered twice. */
  readonly loss: number;
  readonly repeat: number;
  /** Longest way of a message; different ways reorder messages. */
  readonly delayMs: number;
  /** Average time between faults of each kind; 0 switches the kind off. */
  readonly partitionEveryMs: number;
  readonly agentCrashEveryMs: number;
  readonly rebootEveryMs: number;
  readonly coordinatorCrashEveryMs: number;
  /** Chance that the coordinator dies right after it saved something and before it acts on it. */
  readonly crashAfterSave: number;
  /** The coordinator is away longer than any grant lasts. */
  readonly longOutage: boolean;
  /** An old backup is started in the coordinator's place for a while. */
  readonly restoresBackup: boolean;
  /** Chance that a probe through the edge reaches another host and says nothing. */
  readonly edgeUnknown: number;
  readonly behaviours: readonly Behaviour[];
  readonly deployEveryMs: number;
  readonly operatorEveryMs: number;
  readonly keepsOutcomes: boolean;
  readonly faultsMs: number;
}

const minute = 60_000;

/** Draws a history; every kind of fault is absent in a good part of the seeds, so that others come to the front. */
export function drawOptions(seed: number): HistoryOptions {
  const prng = createPrng(seed * 7919 + 17);
  const sometimes = (from: number, to: number): number => (prng.chance(0.5) ? prng.whole(from, to) : 0);
  return {
    seed,
    acceptance: prng.whole(1, 2),
    production: prng.whole(1, 4),
    maxUnavailable: prng.whole(1, 2),
    onRegression: prng.chance(0.85) ? "revert" : "hold",
    approval: prng.chance(0.3),
    loss: prng.chance(0.5) ? prng.next() * 0.25 : 0,
    repeat: prng.chance(0.5) ? prng.next() * 0.15 : 0,
    delayMs: prng.pick([20, 500, 4000, 20_000]),
    partitionEveryMs: sometimes(minute, 5 * minute),
    agentCrashEveryMs: sometimes(minute, 5 * minute),
    rebootEveryMs: sometimes(2 * minute, 8 * minute),
    coordinatorCrashEveryMs: sometimes(minute, 5 * minute),
    crashAfterSave: prng.chance(0.5) ? prng.next() * 0.1 : 0,
    longOutage: prng.chance(0.25),
    restoresBackup: prng.chance(0.3),
    edgeUnknown: prng.pick([0, 0, 0.3, 1]),
    behaviours: drawBehaviours(prng),
    deployEveryMs: prng.whole(minute, 4 * minute),
    operatorEveryMs: sometimes(minute, 4 * minute),
    keepsOutcomes: prng.chance(0.5),
    faultsMs: prng.whole(8, 20) * minute,
  };
}

function drawBehaviours(prng: Prng): readonly Behaviour[] {
  const bad: readonly Behaviour[] = ["dies-on-start", "bad-before", "bad-after", "bad-edge", "bad-later"];
  return Array.from({ length: 8 }, () => (prng.chance(0.6) ? "good" : prng.pick(bad)));
}
