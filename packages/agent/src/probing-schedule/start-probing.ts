import type { DurationMs, Instant, ProbeResult, SiteDuties, SlotTarget } from "@sluice/core";
import { durationMs, instant } from "@sluice/core/units/time";
import type { Clock, Running } from "@sluice/runtime";
import type { Prober } from "../drivers.ts";
import type { CoordinatorTime } from "./coordinator-time.ts";
import { roundAt } from "./round-time.ts";

/** A site that users can reach, and where its live copy is. */
export interface ProbedSite {
  readonly duties: SiteDuties;
  /** Absent when what is live is not known: its other hops are asked all the same. */
  readonly live?: SlotTarget;
}

/** A site is asked more often for a while. */
export interface Recheck {
  readonly site: string;
  readonly everyMs: DurationMs;
  /** By the coordinator's clock. */
  readonly until: Instant;
}

export interface ProbingOptions {
  readonly prober: Prober;
  readonly clock: Clock;
  /** Rounds go by it. */
  readonly coordinatorTime: Pick<CoordinatorTime, "now">;
  readonly sites: () => readonly ProbedSite[];
  readonly onResults: (results: readonly ProbeResult[]) => void;
}

export interface Probing extends Running {
  /** Asks these sites at once, between two rounds. */
  now(sites: readonly string[]): void;
  recheck(recheck: Recheck): void;
  /** Asks one site on every hop once and answers with the results. */
  ask(site: ProbedSite, signal: AbortSignal): Promise<readonly ProbeResult[]>;
}

/** How often it is looked whether there is another site or another pace. */
const lookEveryMs = 1000;

/** A round that begins later than this is not in the same second as on the other hosts, and is left out. */
const lateMsMax = 1000;

/**
 * Asks every binding of every live site on every hop, round after round, with the coordinator or without it; silence would be
 * taken for nothing, never for success.
 */
export function startProbing(options: ProbingOptions): Probing {
  return new ProbingLoop(options);
}

class ProbingLoop implements Probing {
  readonly done: Promise<void>;
  readonly #options: ProbingOptions;
  readonly #stop = new AbortController();
  /** The newest round that was asked, or left out, by site. */
  readonly #rounds = new Map<string, Instant>();
  /** Sites to be asked without waiting for a round. */
  readonly #urgent = new Set<string>();
  readonly #rechecks = new Map<string, Recheck>();
  readonly #asking = new Map<string, Promise<void>>();

  constructor(options: ProbingOptions) {
    this.#options = options;
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  now(sites: readonly string[]): void {
    for (const site of sites) this.#urgent.add(site);
    this.#lookAround();
  }

  recheck(recheck: Recheck): void {
    this.#rechecks.set(recheck.site, recheck);
    this.#lookAround();
  }

  async ask({ duties, live }: ProbedSite, signal: AbortSignal): Promise<readonly ProbeResult[]> {
    const { prober } = this.#options;
    const rounds = await Promise.all([
      live === undefined ? [] : prober.round(duties, { hop: "slot", target: live }, signal),
      prober.round(duties, { hop: "listener" }, signal),
      prober.round(duties, { hop: "edge" }, signal),
    ]);
    return rounds.flat();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      const waitMs = this.#lookAround();
      await clock.sleep(waitMs, this.#stop.signal).catch(() => undefined);
    }
    await Promise.all(this.#asking.values());
  }

  /** Asks what is due; answers with the time until something may be due again. */
  #lookAround(): DurationMs {
    const now = this.#options.coordinatorTime.now();
    let nextAt = now + lookEveryMs;
    for (const site of this.#options.sites()) {
      if (this.#stop.signal.aborted) break;
      const everyMs = this.#everyMs(site.duties, now);
      const round = roundAt(now, site.duties.site, everyMs);
      if (!this.#asking.has(site.duties.site)) this.#askIfDue(site, round, now);
      nextAt = Math.min(nextAt, round + everyMs);
    }
    return durationMs(Math.max(1, Math.ceil(nextAt - now)));
  }

  #askIfDue(site: ProbedSite, round: Instant, now: Instant): void {
    const name = site.duties.site;
    const before = this.#rounds.get(name);
    this.#rounds.set(name, instant(Math.max(round, before ?? round)));
    const isDue = before !== undefined && round > before && now - round <= lateMsMax;
    if (isDue) this.#begin(site, round);
    else if (before === undefined || this.#urgent.has(name)) this.#begin(site, undefined);
  }

  /** A site is asked at once when it comes up, and then in rounds. */
  #begin(site: ProbedSite, round: Instant | undefined): void {
    this.#urgent.delete(site.duties.site);
    this.#asking.set(site.duties.site, this.#round(site, round));
  }

  #everyMs({ site, probeEveryMs }: SiteDuties, now: Instant): DurationMs {
    const recheck = this.#rechecks.get(site);
    if (recheck !== undefined && now >= recheck.until) this.#rechecks.delete(site);
    const usual = Math.max(1, probeEveryMs);
    return durationMs(recheck === undefined || now >= recheck.until ? usual : Math.min(usual, recheck.everyMs));
  }

  async #round(site: ProbedSite, round: Instant | undefined): Promise<void> {
    try {
      const results = await this.ask(site, this.#stop.signal);
      const told = round === undefined ? results : results.map((result) => ({ ...result, round }));
      if (!this.#stop.signal.aborted) this.#options.onResults(told);
    } finally {
      this.#asking.delete(site.duties.site);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
  }
}
