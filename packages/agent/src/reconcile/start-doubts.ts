import type { ObservedHost } from "@sluice/core";
import { durationMs } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime";
import { isColdStart, processesOf } from "./processes.ts";

/**
 * What a look says of a possible restart of the host.
 * - `settled` there was no doubt, or something runs on as it was
 * - `cold` the host has restarted
 * - `unclear` something runs that ran before, and nothing answers: nothing may be decided by this look
 */
export type StartVerdict = "settled" | "cold" | "unclear";

/** Longest time in which everything is only slow; then what does not answer counts for nothing. */
const unclearMsMax = durationMs(30_000);

/** Whether the host may have restarted behind our back: at our own start, and whenever nobody looked after its processes for a while. */
export class StartDoubts {
  readonly #clock: Pick<Clock, "monotonic">;
  #raised = 1;
  #settled = 0;
  #unclearSince: number | undefined;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** To be kept by whoever begins a look: it can settle no doubt that is raised later. */
  get raised(): number {
    return this.#raised;
  }

  raise(): void {
    this.#raised += 1;
  }

  /** By a look that began when `raised` were raised. */
  judge(raised: number, before: Readonly<Record<string, string>>, host: ObservedHost): StartVerdict {
    if (raised <= this.#settled) return "settled";
    if (this.#isUnclear(before, host)) return "unclear";
    return isColdStart(before, host) ? "cold" : "settled";
  }

  /** Once what the verdict asks for is done. */
  settle(raised: number): void {
    this.#settled = Math.max(this.#settled, raised);
    this.#unclearSince = undefined;
  }

  #isUnclear(before: Readonly<Record<string, string>>, host: ObservedHost): boolean {
    const isSlow = (host.silent ?? []).some(({ childId, isDown }) => !isDown && before[childId] !== undefined);
    if (!isSlow || Object.keys(processesOf(host)).length > 0) return false;
    const now = this.#clock.monotonic();
    this.#unclearSince ??= now;
    return now - this.#unclearSince < unclearMsMax;
  }
}
