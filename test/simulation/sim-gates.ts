import {
  type DurationMs,
  durationMs,
  type Freeze,
  type GateFacts,
  type Gates,
  type HaltAll,
  type Instant,
  instant,
  seconds,
  type TimeWindow,
  weekdays,
} from "@sluice/core";
import type { HistoryOptions } from "./history-options.ts";
import { sitesOf } from "./simulated-fleet.ts";

/** What operators order and file for a fleet whose waves have gates: known to the coordinator, and to the checks. */
export class SimGates {
  readonly freezes: Freeze[] = [];
  haltAll: HaltAll | undefined;
  readonly #options: HistoryOptions;
  readonly #startedAt: Instant;
  #count = 0;

  constructor(options: HistoryOptions, startedAt: Instant) {
    this.#options = options;
    this.#startedAt = startedAt;
  }

  freeze(from: Instant, ms: number, environments: readonly string[]): Freeze {
    const added: Freeze = {
      name: `freeze-${++this.#count}`,
      when: { kind: "once", from, to: instant(from + ms), zone: "UTC" },
      reason: "simulated",
      owner: "operator",
      environments,
      sites: [],
    };
    this.freezes.push(added);
    return added;
  }

  /** Until somebody mends the fleet file, acceptance has no binding of some kind that production has. */
  isUnrepresented(environment: string, now: Instant): boolean {
    const { gates } = this.#options;
    return gates !== undefined && environment === "production" && now < this.#startedAt + gates.mendedAfterMs;
  }

  facts(now: Instant): Omit<GateFacts, "unheard"> {
    const sentence = "production has a kind of binding that acceptance has none of";
    const about = { environment: "production", sentence };
    const unrepresented = sitesOf(this.#options).map((site) => ({ ...about, site }));
    return {
      freezes: this.freezes,
      mutes: [],
      unrepresented: this.isUnrepresented("production", now) ? unrepresented : [],
      ...(this.haltAll === undefined ? {} : { haltAll: this.haltAll }),
    };
  }
}

export const soakMsOf = ({ soakMs = 20_000 }: Pick<HistoryOptions, "soakMs">): DurationMs => durationMs(soakMs);

/** The gates of an environment of the simulated fleet. */
export function simulatedGates(options: HistoryOptions, environment: string): Gates {
  const { approval, gates } = options;
  const plain = { soakMs: soakMsOf(options), maxWaitMs: seconds(90) };
  const isUpper = environment === "production";
  const count = gates === undefined ? 1 : 2;
  const people = approval && isUpper ? [{ role: "approver", count }] : [];
  if (gates === undefined) return { ...plain, approval: people };
  const { window, attendedWithinMs } = gates;
  return {
    ...plain,
    approval: people,
    monitoring: true,
    coverage: true,
    representativeness: true,
    windows: isUpper && window !== undefined ? [windowOf(window)] : [],
    ...(isUpper && attendedWithinMs !== undefined ? { attendedWithinMs: durationMs(attendedWithinMs) } : {}),
  };
}

const windowOf = ({ opens, closes }: { readonly opens: number; readonly closes: number }): TimeWindow => ({
  days: weekdays,
  opens,
  closes,
  zone: "UTC",
});
