import type { Instant, TrafficBlock } from "@sluice/core";
import { blockMs } from "@sluice/core/health/traffic-block";
import { durationMs, instant } from "@sluice/core/units/time";
import type { Clock, Running } from "@sluice/runtime";
import type { CountsReading, Proxies } from "../drivers.ts";
import { closeBlock, emptyTally, type Tally, withReading } from "./traffic-tally.ts";

export interface CountingOptions {
  readonly proxies: Pick<Proxies, "counts">;
  readonly clock: Clock;
  /** A process that drains may end at any moment: it is read every second, so that little of what it answered is lost. */
  readonly isDraining: () => boolean;
  /** Blocks that are closed, and how many could not be told. */
  readonly onClosed: (blocks: readonly TrafficBlock[], lost: number) => void;
  readonly onFailure: (error: unknown) => void;
}

/** How often it is looked whether the block is over. */
const lookEveryMs = durationMs(1000);

/**
 * Reads the counts of all proxies at the end of every block, by the clock of this host, and hands over what users were answered
 * in it. A reading that fails is tried again every second; one that comes a whole block too late tells nothing.
 */
export function startCounting(options: CountingOptions): Running {
  return new CountingLoop(options);
}

class CountingLoop implements Running {
  readonly done: Promise<void>;
  readonly #options: CountingOptions;
  readonly #stop = new AbortController();
  #tally: Tally = emptyTally;
  /** Start of the open block. */
  #block: Instant;

  constructor(options: CountingOptions) {
    this.#options = options;
    this.#block = blockAt(options.clock.now());
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    await this.#look(true);
    while (!this.#stop.signal.aborted) {
      const leftMs = Math.max(0, this.#block + blockMs - clock.now());
      const waitMs = durationMs(Math.min(lookEveryMs, leftMs === 0 ? lookEveryMs : leftMs));
      await clock.sleep(waitMs, this.#stop.signal).catch(() => undefined);
      if (!this.#stop.signal.aborted) await this.#look(this.#options.isDraining());
    }
  }

  /** Reads when the block is over, or when `between` is wanted. */
  async #look(between: boolean): Promise<void> {
    const { clock, onFailure } = this.#options;
    // A clock that was set back begins anew: blocks are told by it, and the same one counts once.
    if (clock.now() < this.#block) this.#block = blockAt(clock.now());
    if (!between && clock.now() < this.#block + blockMs) return;
    try {
      this.#take(await this.#options.proxies.counts());
    } catch (error) {
      if (!this.#stop.signal.aborted) onFailure(error);
    }
  }

  #take(reading: CountsReading): void {
    const block = this.#block;
    if (reading.at < block + blockMs) {
      this.#tally = withReading(this.#tally, reading, block);
      return;
    }
    const { tally, blocks, lost } = closeBlock(this.#tally, reading, block);
    this.#tally = tally;
    this.#block = blockAt(reading.at);
    this.#options.onClosed(blocks, lost);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.done.catch(() => undefined);
  }
}

const blockAt = (now: Instant): Instant => instant(Math.floor(now / blockMs) * blockMs);
