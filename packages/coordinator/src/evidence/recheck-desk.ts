import { type DurationMs, type ProbeResult, seconds } from "@sluice/core";
import type { RecheckOrder } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import type { Clock } from "@sluice/runtime";
import type { FleetDesk } from "../fleet/fleet-desk.ts";

/** After a failure rounds follow each other this fast: a dead host name is told from an accident within ten seconds (health-verdict §3.5). */
const recheckEveryMs = seconds(2);

/** Long enough for the evidence against a host name that fails for good, short enough to spare a site that is down for a day. */
const recheckForMs = seconds(30);

export interface RecheckDeskOptions {
  readonly clock: Clock;
  readonly fleets: FleetDesk;
  readonly order: (hosts: readonly string[], order: RecheckOrder) => void;
}

/**
 * Has a site asked more often on all hosts that are compared with each other, as soon as one of its probes begins to fail on
 * one of them. A probe that goes on failing is no news.
 */
export class RecheckDesk {
  readonly #options: RecheckDeskOptions;
  readonly #failing = new Set<string>();

  constructor(options: RecheckDeskOptions) {
    this.#options = options;
  }

  heard(host: string, results: readonly ProbeResult[]): void {
    const fresh = results.filter((result) => this.#isNews(result));
    for (const site of new Set(fresh.map((result) => result.site))) this.#recheck(host, site);
  }

  #isNews({ host, site, binding, bindingPort, hop, probe, outcome }: ProbeResult): boolean {
    const key = [host, site, binding, bindingPort, hop, probe].join("|");
    if (outcome.kind === "good") this.#failing.delete(key);
    if (outcome.kind !== "bad" || this.#failing.has(key)) return false;
    this.#failing.add(key);
    return true;
  }

  #recheck(host: string, site: string): void {
    const { clock, fleets, order } = this.#options;
    const everyMs = this.#everyMs(host, site);
    if (everyMs === undefined || everyMs <= recheckEveryMs) return;
    const hosts = fleets.applied?.fleet.environments.find((one) => one.hosts.includes(host))?.hosts ?? [];
    order(hosts, { site, everyMs: recheckEveryMs, untilMs: clock.now() + recheckForMs });
  }

  /** How often the site is asked on the host anyway; undefined: it is not there any more. */
  #everyMs(host: string, site: string): DurationMs | undefined {
    const { fleets } = this.#options;
    if (!fleets.isHost(host)) return undefined;
    return fleets
      .require()
      .configurationOf(host)
      .sites.find((one) => one.site === site)?.probeEveryMs;
  }
}
