import { type Fleet, findUnrepresented, type GateFacts, type Instant, type Mute } from "@sluice/core";
import type { HistoryOptions } from "../../simulation/history-options.ts";
import { SimGates } from "../../simulation/sim-gates.ts";

/** What gates look at besides a rollout, by the fleet file that is applied now and by what operators ordered. */
export class ScenarioGates extends SimGates {
  fleet: Fleet;
  readonly mutes: Mute[] = [];

  constructor(options: HistoryOptions, now: Instant, fleet: Fleet) {
    super(options, now);
    this.fleet = fleet;
  }

  override isUnrepresented(environment: string): boolean {
    return findUnrepresented(this.fleet).some((one) => one.environment === environment);
  }

  override facts(now: Instant): Omit<GateFacts, "unheard"> {
    return { ...super.facts(now), mutes: this.mutes, unrepresented: findUnrepresented(this.fleet) };
  }
}
