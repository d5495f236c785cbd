import { createPrng, type Prng } from "./prng.ts";

/** What a release does where it runs; `proxy-` and `front-` are faults of the settings of a proxy or front. */
export type Behaviour =
  | "good"
  | "dies-on-start"
  | "bad-before"
  | "bad-after"
  | "bad-edge"
  | "bad-later"
  | "bad-after-soak"
  | "crashes-later"
  | "misses-binding"
  | "misses-binding-later";

/** Everything a seed decides before the first event; printed with every failure. */
export interface HistoryOptions {
  readonly seed: number;
  readonly acceptance: number;
  readonly production: number;
  /** On every host. */
  readonly sites: number;
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
  /** Time between crashes of slots, site proxies and fronts that the keeper starts again. */
  readonly processCrashEveryMs: number;
  /** Chance that the coordinator dies right after it saved something and before it acts on it. */
  readonly crashAfterSave: number;
  /** Chance that an agent dies after any one of its writes and orders. */
  readonly agentCrashAfterStep: number;
  /** Chance that an order to a process of the host fails, or is carried out and its answer lost. */
  readonly orderFailure: number;
  /** Longest time that an order takes. */
  readonly orderMs: number;
  /** Agents put releases on disk that nobody has granted yet. */
  readonly installsAhead?: true;
  /** Average time between disks that are full for a while, of hosts and of the coordinator. Absent: none is. */
  readonly fullDiskEveryMs?: number;
  /** The coordinator is away longer than any grant lasts. */
  readonly longOutage: boolean;
  /** An old backup is started in the coordinator's place for a while. */
  readonly restoresBackup: boolean;
  /** Chance that a probe through the edge reaches another host and says nothing. */
  readonly edgeUnknown: number;
  readonly behaviours: readonly Behaviour[];
  /** Every third release is one-way: nothing but a person's word takes it back. */
  readonly oneWay?: true;
  /** Waves soak for so long; absent: for less time than their evidence takes. */
  readonly soakMs?: number;
  /** Waves go on without hosts that have been silent for so long. */
  readonly skipLostMs?: number;
  readonly deployEveryMs: number;
  readonly operatorEveryMs: number;
  /** Somebody in a hurry aborts what has just begun. */
  readonly hastyEveryMs: number;
  readonly faultsMs: number;
  /** Absent: waves wait for approval, soak and evidence only. */
  readonly gates?: GateOptions;
  /** Absent: no rollout reboots hosts. */
  readonly reboots?: RebootOptions;
  /** Absent: agents are what was installed, and start by themselves. */
  readonly programs?: ProgramOptions;
  /** Absent: keepers are what was installed, and never end. */
  readonly keepers?: KeeperOptions;
  /** Absent: nothing presents a certificate. */
  readonly renewals?: RenewalOptions;
  /** Acts of fate and operators that do not happen, by their number in the order in which they would: a history that was shrunk. */
  readonly without?: readonly number[];
}

/** Rollouts that change the program of agents. */
export interface ProgramOptions {
  readonly everyMs: number;
  /** Chance that a version is bad. */
  readonly bad: number;
  /** Average time between watchdogs that are killed; 0: none is. */
  readonly watchdogCrashEveryMs: number;
}

/** Rollouts that change keepers. */
export interface KeeperOptions {
  readonly everyMs: number;
  /** Chance that a version is bad. */
  readonly bad: number;
  /** Average time between keepers that are killed; 0: none is. */
  readonly crashEveryMs: number;
}

/** Pairs that are put on the disks of hosts, and rollouts that make them live. */
export interface RenewalOptions {
  readonly everyMs: number;
  /** Chance that clients do not trust a certificate. */
  readonly bad: number;
  /** Chance that nobody starts a rollout for it: it lies on disk until something else takes it. */
  readonly left: number;
}

/** Rollouts that reboot hosts. */
export interface RebootOptions {
  readonly everyMs: number;
  /** Chance that a host which is let go stays away for longer than it may. */
  readonly staysAway: number;
  /** Chance that the command fails which reboots a host. */
  readonly refuses: number;
}

/** What waves wait for besides, and what operators do about it. */
export interface GateOptions {
  /** Minutes after midnight in UTC. */
  readonly window?: { readonly opens: number; readonly closes: number };
  readonly attendedWithinMs?: number;
  /** Until then acceptance lacks a kind of binding. */
  readonly mendedAfterMs: number;
  readonly freezeEveryMs: number;
  readonly haltAllEveryMs: number;
  readonly overrideEveryMs: number;
  readonly ackEveryMs: number;
  /** Chance that a rollout leaves a host of acceptance out. */
  readonly subset: number;
}

const minute = 60_000;

/** Draws a history; every kind of fault is absent in a good part of the seeds, so that others come to the front. */
export function drawOptions(seed: number): HistoryOptions {
  const prng = createPrng(seed * 7919 + 17);
  const pace = paceOf(seed);
  const sometimes = (from: number, to: number): number => (prng.chance(0.5) ? prng.whole(pace * from, pace * to) : 0);
  return {
    seed,
    ...drawSize(createPrng(seed * 15_485_863 + 11), seed),
    onRegression: prng.chance(0.85) ? "revert" : "hold",
    approval: prng.chance(0.3),
    loss: prng.chance(0.5) ? prng.next() * 0.25 : 0,
    repeat: prng.chance(0.5) ? prng.next() * 0.15 : 0,
    delayMs: prng.pick([20, 500, 4000, 20_000]),
    partitionEveryMs: sometimes(minute, 5 * minute),
    agentCrashEveryMs: sometimes(minute, 5 * minute),
    rebootEveryMs: sometimes(2 * minute, 8 * minute),
    coordinatorCrashEveryMs: sometimes(minute, 5 * minute),
    processCrashEveryMs: sometimes(minute / 2, 5 * minute),
    crashAfterSave: prng.chance(0.5) ? prng.next() * 0.1 : 0,
    agentCrashAfterStep: prng.chance(0.5) ? prng.next() * 0.02 : 0,
    orderFailure: prng.chance(0.5) ? prng.next() * 0.15 : 0,
    orderMs: prng.pick([20, 20, 400, 3000]),
    longOutage: prng.chance(0.15),
    restoresBackup: prng.chance(0.3),
    edgeUnknown: prng.pick([0, 0, 0.3, 1]),
    behaviours: drawBehaviours(prng),
    deployEveryMs: prng.whole(pace * minute, pace * 3 * minute),
    operatorEveryMs: sometimes(minute, 4 * minute),
    hastyEveryMs: prng.chance(0.2) ? prng.whole(5000, minute) : 0,
    faultsMs: shortened(prng.whole(3, 12) * minute * pace, seed),
    ...(isLargest(seed) ? {} : drawGates(createPrng(seed * 104_729 + 5), pace)),
    ...(createPrng(seed * 15_487 + 11).chance(0.25) ? { oneWay: true } : {}),
    ...drawFullDisk(createPrng(seed * 32_452_843 + 3)),
    ...(createPrng(seed * 49_979_687 + 7).chance(0.25) ? { installsAhead: true } : {}),
    ...(isLargest(seed) ? {} : drawSkipping(createPrng(seed * 31_337 + 7))),
    ...(createPrng(seed * 86_028_121 + 3).chance(0.15) ? { soakMs: 75_000 } : {}),
    ...(isLargest(seed) ? {} : drawReboots(createPrng(seed * 67_867_967 + 13))),
    ...(isLargest(seed) ? {} : drawPrograms(createPrng(seed * 86_028_121 + 29))),
    ...(isLargest(seed) ? {} : drawKeepers(createPrng(seed * 32_452_843 + 37))),
    ...(isLargest(seed) ? {} : drawRenewals(createPrng(seed * 49_979_687 + 31), pace)),
    ...(isLargest(seed) ? busy : {}),
  };
}

/** Every other history is small: few hosts and sites, and whatever comes again and again comes sooner, for a shorter time. */
const isSmall = (seed: number): boolean => seed % 250 !== 0 && createPrng(seed * 86_028_121 + 19).chance(0.78);

/** What times of a history are multiplied by. */
const paceOf = (seed: number): number => (isSmall(seed) ? 0.75 : 1);

/**
 * Drawn apart, as gates are. Where hosts are skipped they are often cut off, there are enough of them to go on without one, and
 * rollouts come as far as the waves in which that shows.
 */
const drawSkipping = (prng: Prng): Partial<HistoryOptions> =>
  prng.chance(0.02)
    ? {
        skipLostMs: prng.whole(16_000, minute / 2),
        acceptance: 1,
        production: prng.whole(4, 6),
        partitionEveryMs: prng.whole(minute, 2 * minute),
        faultsMs: prng.whole(6, 9) * minute,
        behaviours: ["good", "good", "good", prng.pick(badBehaviours)],
        approval: false,
        operatorEveryMs: 0,
        hastyEveryMs: 0,
        longOutage: false,
        restoresBackup: false,
      }
    : {};

/** Drawn apart as well. */
const drawPrograms = (prng: Prng): Pick<HistoryOptions, "programs"> =>
  prng.chance(0.025)
    ? {
        programs: {
          everyMs: prng.whole(minute / 2, 2 * minute),
          bad: prng.pick([0.3, 0.6, 1]),
          watchdogCrashEveryMs: prng.chance(0.5) ? prng.whole(minute, 4 * minute) : 0,
        },
      }
    : {};

/** Drawn apart as well. */
const drawRenewals = (prng: Prng, pace: number): Pick<HistoryOptions, "renewals"> =>
  prng.chance(0.04)
    ? {
        renewals: {
          everyMs: prng.whole(pace * minute, pace * 3 * minute),
          bad: prng.pick([0.2, 0.5, 1]),
          left: prng.pick([0, 0.5]),
        },
      }
    : {};

/**
 * Drawn apart as well. In some of them agents change, too: one of another version has to leave the keeper as it is. Often enough nobody
 * is there to confirm one on trial.
 */
const drawKeepers = (prng: Prng): Partial<HistoryOptions> =>
  prng.chance(0.035)
    ? {
        keepers: {
          everyMs: prng.whole(minute / 2, 2 * minute),
          bad: prng.pick([0.3, 0.6, 1]),
          crashEveryMs: prng.chance(0.5) ? prng.whole(minute, 3 * minute) : 0,
        },
        ...(prng.chance(0.25) ? { programs: { everyMs: minute, bad: 0.3, watchdogCrashEveryMs: 0 } } : {}),
        longOutage: prng.chance(0.3),
      }
    : {};

/** Drawn apart too. A host that stays away takes much time, so that few do. */
const drawReboots = (prng: Prng): Pick<HistoryOptions, "reboots"> =>
  prng.chance(0.05)
    ? { reboots: { everyMs: prng.whole(minute, 3 * minute), staysAway: prng.chance(0.3) ? 0.3 : 0, refuses: 0.08 } }
    : {};

const isLargest = (seed: number): boolean => seed % 10_000 === 0;

/** What is rare and dear has to be worth it. */
const busy = { deployEveryMs: minute, faultsMs: 5 * minute, longOutage: false, approval: false } as const;

/** Drawn apart as well. */
const drawFullDisk = (prng: Prng): Pick<HistoryOptions, "fullDiskEveryMs"> =>
  prng.chance(0.15) ? { fullDiskEveryMs: prng.whole(minute / 2, 2 * minute) } : {};

/** Most faults show soon or not at all; one history in ten goes on for as long as was drawn. */
function shortened(ms: number, seed: number): number {
  const isLong = createPrng(seed * 7727 + 20_894).chance(0.1);
  const shortest = 3 * minute * paceOf(seed);
  return isLong ? ms : shortest + Math.ceil((ms - shortest) / 3);
}

type Size = Pick<HistoryOptions, "acceptance" | "production" | "sites" | "maxUnavailable">;

/** Most faults need few hosts to show, and a small history is over soon; every 250th seed has a larger fleet. */
function drawSize(prng: Prng, seed: number): Size {
  if (isLargest(seed)) return { acceptance: 2, production: 198, sites: 40, maxUnavailable: 40 };
  if (seed % 2500 === 0) return sizeOf(prng, prng.whole(20, 80), prng.whole(2, 10));
  if (seed % 250 === 0) return sizeOf(prng, prng.whole(4, 20), prng.whole(3, 8));
  const maxUnavailable = prng.whole(1, 2);
  if (isSmall(seed)) return { acceptance: 1, production: 2, sites: prng.pick([1, 1, 2]), maxUnavailable };
  return { ...sizeOf(prng, prng.whole(2, 3), prng.pick([1, 2, 2, 2])), maxUnavailable };
}

const sizeOf = (prng: Prng, production: number, sites: number): Size => ({
  acceptance: prng.whole(1, 2),
  production,
  sites,
  maxUnavailable: Math.ceil(production / prng.whole(3, 6)),
});

/** Minute of the day in which every history begins: a window opens some minutes later, and long enough for a wave. */
const firstMinute = 22 * 60 + 13;

/** Drawn apart, so that a history without gates is the same as if there were none. */
function drawGates(prng: Prng, pace: number): Pick<HistoryOptions, "gates"> {
  if (prng.chance(0.6)) return {};
  const opens = firstMinute + prng.whole(0, 5);
  const window = prng.chance(0.5) ? { window: { opens, closes: opens + prng.whole(16, 30) } } : {};
  const attended = prng.chance(0.5) ? { attendedWithinMs: prng.whole(20, 120) * 1000 } : {};
  return {
    gates: {
      ...window,
      ...attended,
      mendedAfterMs: prng.chance(0.4) ? prng.whole(pace * minute, pace * 8 * minute) : 0,
      freezeEveryMs: prng.chance(0.6) ? prng.whole(pace * minute, pace * 4 * minute) : 0,
      haltAllEveryMs: prng.chance(0.4) ? prng.whole(pace * 2 * minute, pace * 6 * minute) : 0,
      overrideEveryMs: prng.chance(0.6) ? prng.whole((pace * minute) / 2, pace * 3 * minute) : 0,
      ackEveryMs: prng.whole((pace * minute) / 2, pace * 2 * minute),
      subset: prng.chance(0.5) ? 0.3 : 0,
    },
  };
}

const badBehaviours: readonly Behaviour[] = [
  "dies-on-start",
  "bad-before",
  "bad-after",
  "bad-edge",
  "bad-later",
  "bad-after-soak",
  "crashes-later",
  "misses-binding",
  "misses-binding-later",
];

function drawBehaviours(prng: Prng): readonly Behaviour[] {
  return Array.from({ length: 8 }, () => (prng.chance(0.5) ? "good" : prng.pick(badBehaviours)));
}
