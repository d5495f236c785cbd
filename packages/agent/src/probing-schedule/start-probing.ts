import { after, durationMs, type Instant, type ProbeResult, type SiteDuties, type SlotTarget } from "@sluice/core";
import type { Clock, Running } from "@sluice/runtime";
import type { Prober } from "../drivers.ts";

/** A site that users can reach, and where its live copy is. */
export interface ProbedSite {
  readonly duties: SiteDuties;
  /** Absent when what is live is not known: its other hops are asked all the same. */
  readonly live?: SlotTarget;
}

export interface ProbingOptions {
  readonly prober: Prober;
  readonly clock: Clock;
  readonly sites: () => readonly ProbedSite[];
  readonly onResults: (results: readonly ProbeResult[]) => void;
}

export interface Probing extends Running {
  /** Asks these sites at once. */
  now(sites: readonly string[]): void;
  /** Asks one site on every hop once and answers with the results. */
  ask(site: ProbedSite, signal: AbortSignal): Promise<readonly ProbeResult[]>;
}

/** How often it is looked whether a site is due. */
const lookEveryMs = durationMs(250);

/** Asks every binding of every live site on every hop, again and again; silence would be taken for nothing, never for success. */
export function startProbing(options: ProbingOptions): Probing {
  return new ProbingLoop(options);
}

class ProbingLoop implements Probing {
  readonly done: Promise<void>;
  readonly #options: ProbingOptions;
  readonly #stop = new AbortController();
  readonly #dueAt = new Map<string, Instant>();
  readonly #asking = new Map<string, Promise<void>>();

  constructor(options: ProbingOptions) {
    this.#options = options;
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  now(sites: readonly string[]): void {
    for (const site of sites) this.#dueAt.delete(site);
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
      this.#lookAround();
      await clock.sleep(lookEveryMs, this.#stop.signal).catch(() => undefined);
    }
    await Promise.all(this.#asking.values());
  }

  #lookAround(): void {
    const now = this.#options.clock.now();
    for (const site of this.#options.sites()) {
      const name = site.duties.site;
      if (this.#stop.signal.aborted || this.#asking.has(name) || now < (this.#dueAt.get(name) ?? now)) continue;
      this.#dueAt.set(name, after(now, site.duties.probeEveryMs));
      this.#asking.set(name, this.#round(site));
    }
  }

  async #round(site: ProbedSite): Promise<void> {
    try {
      const results = await this.ask(site, this.#stop.signal);
      if (!this.#stop.signal.aborted) this.#options.onResults(results);
    } finally {
      this.#asking.delete(site.duties.site);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
  }
}
