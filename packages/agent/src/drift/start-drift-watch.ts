import type { DurationMs } from "@sluice/core";
import { type Drift, type DriftPolicy, describeDrift, isSameDrift } from "@sluice/core/host/drift";
import { sameJson } from "@sluice/core/units/same-json";
import { durationMs, minutes } from "@sluice/core/units/time";
import type { Clock, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";

/** Something that differs now; `heal` puts it back without touching what users meet. Absent: others do that. */
export interface FoundDrift extends Omit<Drift, "since" | "overSince"> {
  readonly heal?: () => Promise<void>;
}

export interface DriftWatchOptions {
  /** Looks through files; asked only while `isQuiet`. */
  readonly look: () => Promise<readonly FoundDrift[]>;
  /** Nothing is under way by which files change on purpose. */
  readonly isQuiet: () => boolean;
  readonly policy: (about: FoundDrift) => DriftPolicy;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChanged: () => void;
}

export interface DriftWatch extends Running {
  /** What differs, and what has differed a short while ago. The same list as long as it says the same. */
  readonly drifts: readonly Drift[];
  /** What a look at the processes has found; what is missing in it and was in the last one is over. */
  processes(found: readonly FoundDrift[]): void;
  /** What others found and put back. */
  healed(found: readonly FoundDrift[]): void;
}

/** People and scripts edit files seldom, and a look at them is not free: half a minute's delay misleads nobody. */
export const lookEveryMs: DurationMs = durationMs(30_000);
/** What is over is still told for a while, so that a coordinator which was away hears of it. */
const toldAfterMs = minutes(10);

/** Finds what was changed by hand, remembers since when, and puts it back where the policy says so. */
export function startDriftWatch(options: DriftWatchOptions): DriftWatch {
  return new Watch(options);
}

class Watch implements DriftWatch {
  readonly done: Promise<void>;
  readonly #options: DriftWatchOptions;
  readonly #stop = new AbortController();
  #drifts: readonly Drift[] = [];
  #files: readonly FoundDrift[] = [];
  #processes: readonly FoundDrift[] = [];
  /** Seen by the last look already: what is edited is found twice before it is believed, for a file may just be being written. */
  #suspects: readonly FoundDrift[] = [];

  constructor(options: DriftWatchOptions) {
    this.#options = options;
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  get drifts(): readonly Drift[] {
    return this.#drifts;
  }

  processes(found: readonly FoundDrift[]): void {
    if (found.length === 0 && this.#processes.length === 0) return;
    this.#processes = found;
    this.#note();
  }

  healed(found: readonly FoundDrift[]): void {
    const now = this.#options.clock.now();
    const isListed = (one: FoundDrift): boolean =>
      this.#drifts.some((drift) => drift.overSince === undefined && isSameDrift(drift, one));
    const fresh = found.filter((one) => !isListed(one)).map((one) => ({ ...asDrift(one, now), overSince: now }));
    this.#files = this.#files.filter((one) => !found.some((other) => isSameDrift(one, other)));
    for (const one of found) this.#options.log.warn({ sentence: describeDrift(one) }, "drift.healed");
    this.#drifts = [...this.#drifts, ...fresh];
    this.#note();
    if (fresh.length > 0) this.#options.onChanged();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(lookEveryMs, this.#stop.signal).catch(() => undefined);
      if (!this.#stop.signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { look, isQuiet, policy, log } = this.#options;
    if (!isQuiet()) {
      this.#suspects = [];
      return;
    }
    const found = await look().catch((err: unknown) => {
      log.warn({ err }, "drift.not-looked-for");
      return undefined;
    });
    if (found === undefined) return;
    this.#files = found.filter((one) => this.#suspects.some((before) => isSameDrift(before, one)));
    this.#suspects = found;
    this.#note();
    if (!isQuiet()) return;
    for (const one of this.#files) if (policy(one) === "heal") await this.#heal(one);
  }

  async #heal(one: FoundDrift): Promise<void> {
    const { log } = this.#options;
    if (one.heal === undefined) return;
    try {
      await one.heal();
      log.warn({ sentence: describeDrift(one) }, "drift.healed");
      this.#files = this.#files.filter((other) => other !== one);
      this.#suspects = this.#suspects.filter((other) => other !== one);
    } catch (err) {
      log.error({ err, sentence: describeDrift(one) }, "drift.not-healed");
    }
    this.#note();
  }

  /** Brings the list up to date; an age is kept as long as the same thing differs. */
  #note(): void {
    const now = this.#options.clock.now();
    const present = [...this.#processes, ...this.#files];
    const kept = this.#drifts.filter(({ overSince }) => overSince === undefined || now - overSince < toldAfterMs);
    const before = kept.map((drift) =>
      drift.overSince !== undefined || present.some((one) => isSameDrift(one, drift))
        ? drift
        : { ...drift, overSince: now },
    );
    const isOn = (drift: Drift, one: FoundDrift): boolean => drift.overSince === undefined && isSameDrift(drift, one);
    const fresh = present.filter((one) => !before.some((drift) => isOn(drift, one))).map((one) => asDrift(one, now));
    const next = [...before, ...fresh];
    if (sameJson(next, this.#drifts)) return;
    for (const drift of fresh) this.#options.log.warn({ sentence: describeDrift(drift) }, "drift.found");
    this.#drifts = next;
    this.#options.onChanged();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
  }
}

const asDrift = ({ heal: _, ...one }: FoundDrift, since: Drift["since"]): Drift => ({ ...one, since });
