import { durationMs } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";

interface Lane {
  readonly work: Promise<void>;
  readonly callOff: AbortController;
}

export interface LaneEvents {
  readonly error: (lane: string, error: unknown) => void;
  /** A lane that was called off has ended and may be run again. */
  readonly calledOff: () => void;
}

/** After this many steps at once a lane lets others look first: a host that never shows what was ordered is asked at a measured pace. */
const stepsAtOnce = 50;
const breathlessSteps = 10;
const breathMs = durationMs(20);

/** Work that goes on side by side, one step at a time for each name. */
export class Lanes {
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  readonly #on: LaneEvents;
  readonly #lanes = new Map<string, Lane>();

  constructor(clock: Clock, stop: AbortSignal, on: LaneEvents) {
    this.#clock = clock;
    this.#stop = stop;
    this.#on = on;
  }

  /** Nothing is being done at this moment. */
  get isIdle(): boolean {
    return this.#lanes.size === 0;
  }

  /** Steps until a step says that there is nothing more to do now. Does nothing while the lane is busy. */
  run(name: string, step: (signal: AbortSignal) => Promise<boolean>): void {
    if (this.#lanes.has(name) || this.#stop.aborted) return;
    const callOff = new AbortController();
    const signal = AbortSignal.any([callOff.signal, this.#stop]);
    const work = this.#steps(step, signal)
      .catch((error) => {
        if (!signal.aborted) this.#on.error(name, error);
      })
      .finally(() => {
        this.#lanes.delete(name);
        if (callOff.signal.aborted) this.#on.calledOff();
      });
    this.#lanes.set(name, { work, callOff });
  }

  async #steps(step: (signal: AbortSignal) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    for (let count = 0; count < stepsAtOnce; count += 1) {
      if (signal.aborted || !(await step(signal))) return;
      if (count >= breathlessSteps) await this.#clock.sleep(breathMs, signal).catch(() => undefined);
    }
  }

  isBusy(name: string): boolean {
    return this.#lanes.has(name);
  }

  /** Ends what takes long in a lane; the next look plans it anew. */
  callOff(name: string): void {
    this.#lanes.get(name)?.callOff.abort();
  }

  callOffAll(): void {
    for (const name of this.#lanes.keys()) this.callOff(name);
  }

  async ended(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map(({ work }) => work));
  }
}
