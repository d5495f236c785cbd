import {
  concerns,
  frozenUntil,
  frozenWords,
  haltAllWords,
  instant,
  isOut,
  type PlanInput,
  type ProbeAnswer,
  type RebootLease,
  type RebootObstacles,
  type RebootRefusal,
  type ReturnSeen,
  rebootReturnMs,
} from "@sluice/core";
import { nextStart } from "@sluice/core/gates/time-window";
import { blindness } from "@sluice/core/rollout/blindness";
import { busyUnits } from "@sluice/core/rollout/capacity";
import { hostUnit } from "@sluice/core/rollout/wave";
import type { Clock } from "@sluice/runtime";
import type { EvidenceBook } from "../evidence/evidence-book.ts";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { readFreezes } from "../gates/gate-facts.ts";
import type { DrainDesk } from "../hosts/drain-desk.ts";
import type { Roster } from "../hosts/roster.ts";
import { readActiveRollouts } from "../store/rollouts.ts";
import { readHaltAll } from "../store/standing-orders.ts";
import type { Store } from "../store/store.ts";
import type { LeaseBook } from "./lease-book.ts";

export interface RebootFactsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly fleets: FleetDesk;
  readonly roster: Roster;
  readonly drains: DrainDesk;
  readonly leases: LeaseBook;
  readonly hosts: () => Pick<PlanInput, "hosts" | "fleet" | "proven">;
  readonly evidence: Pick<EvidenceBook, "rounds">;
}

/** What decides whether a host may reboot, and whether it is back. */
export class RebootFacts {
  readonly #options: RebootFactsOptions;

  constructor(options: RebootFactsOptions) {
    this.#options = options;
  }

  /** `rollout`: the one that asks; its own gates have judged freezes and windows before its wave began. */
  obstacles(host: string, rollout?: string): RebootObstacles {
    const { store, clock, roster, hosts, leases } = this.#options;
    const halt = readHaltAll(store);
    const lease = leases.of(host);
    const holder = lease?.order === undefined ? this.#busyWith(host, rollout) : lease.client;
    const found: Partial<Record<RebootRefusal, string | undefined>> = {
      halted: halt === undefined ? undefined : haltAllWords(halt),
      blind: blindness(hosts())?.sentence,
      host_silent: roster.find(host).connected ? undefined : `${host} is silent: its agent does not report`,
      frozen: rollout === undefined ? this.#frozen(host) : undefined,
      window_closed: rollout === undefined ? this.#windowClosed(host) : undefined,
      rollout_busy:
        holder === undefined || holder === rollout ? undefined : `${host} is in the hands of rollout ${holder}`,
      site_busy: this.#managed(lease, rollout) ?? this.#siteBusy(host, rollout),
    };
    const sentences = Object.fromEntries(Object.entries(found).filter(([, sentence]) => sentence !== undefined));
    return { now: clock.now(), host, leases: leases.all(), sentences };
  }

  /** What a host shows after it was let go. `isLookedInto` false: it is not back for other reasons, and nobody need read its probes. */
  returned(lease: Pick<RebootLease, "host" | "grantedAt">, isLookedInto = true): ReturnSeen {
    const { clock, roster, hosts } = this.#options;
    const { host } = lease;
    const { connected, observation } = roster.find(host);
    const prefix = hostUnit(host, "");
    const proven = Object.entries(hosts().proven ?? {}).filter(([key]) => key.startsWith(prefix));
    const notRunning = proven.flatMap(([key, digest]) => {
      const unit = key.slice(prefix.length);
      const seen = observation?.units.find((one) => one.unit === unit);
      return seen?.running?.digest === digest ? [] : [unit];
    });
    const isLooking = isLookedInto && lease.grantedAt !== undefined && connected && notRunning.length === 0;
    return { now: clock.now(), connected, notRunning, unhealthy: isLooking ? this.#unhealthy(lease, proven) : [] };
  }

  /** Ways into what is proven there that have not answered well since the host is back. */
  #unhealthy(
    { host, grantedAt }: Pick<RebootLease, "host" | "grantedAt">,
    proven: readonly (readonly [string, string])[],
  ) {
    const { roster, fleets, evidence } = this.#options;
    const since = instant(Math.max(grantedAt ?? 0, roster.find(host).observation?.agent.startedAt ?? 0));
    const duties = fleets
      .require()
      .configurationOf(host)
      .sites.filter(({ site }) => proven.some(([key]) => key === hostUnit(host, `site:${site}`)));
    const range = { host, from: since, until: instant(Number.MAX_SAFE_INTEGER) };
    const answers = evidence.rounds(
      range,
      duties.map(({ site }) => site),
    );
    return duties.flatMap(({ site, bindings }) =>
      bindings.flatMap(({ name, shared }) => {
        const hop = shared ? "front" : "proxy";
        const ofWay = answers.filter(
          ({ stratum }) => stratum.site === site && stratum.binding === name && stratum.hop === hop,
        );
        return answersWell(ofWay) ? [] : [`${name} via ${hop} has not answered well since`];
      }),
    );
  }

  #busyWith(host: string, rollout: string | undefined): string | undefined {
    const others = readActiveRollouts(this.#options.store).filter((one) => one.rollout.id !== rollout);
    const busy = others.find(({ rollout: other, state }) =>
      Object.keys(busyUnits(other, state)).some((key) => key.startsWith(hostUnit(host, ""))),
    );
    return busy?.rollout.id;
  }

  /** A reboot manager has asked for the host itself. */
  #managed(lease: RebootLease | undefined, rollout: string | undefined): string | undefined {
    const isTheirs = rollout !== undefined && lease !== undefined && lease.order === undefined;
    return isTheirs ? `${lease.host} has its turn to reboot already, asked for by ${lease.client}` : undefined;
  }

  #frozen(host: string): string | undefined {
    const { fleets, store, clock } = this.#options;
    const { fleet, configurationOf } = fleets.require();
    const { environment, sites } = configurationOf(host);
    const names = sites.map(({ site }) => site);
    const freeze = readFreezes(store, fleet).find(
      (one) => concerns(one, environment, names) && frozenUntil(one, clock.now()) !== undefined,
    );
    return freeze && frozenWords(environment, freeze);
  }

  #windowClosed(host: string): string | undefined {
    const { fleets, clock } = this.#options;
    const { fleet, configurationOf } = fleets.require();
    const name = configurationOf(host).environment;
    const windows = fleet.environments.find((one) => one.name === name)?.gates.windows ?? [];
    if (windows.length === 0) return undefined;
    const start = nextStart(windows, clock.now(), rebootReturnMs);
    return start !== undefined && start <= clock.now() ? undefined : `no window of ${name} is open for long enough`;
  }

  /** One host of a site at a time, and never more away than the site allows; a silent host is away too. */
  #siteBusy(host: string, rollout: string | undefined): string | undefined {
    const { drains, roster, fleets, leases } = this.#options;
    const sites = drains.sitesOn(host);
    const sharing = (other: string): boolean =>
      other !== host &&
      fleets.isHost(other) &&
      drains.sitesOn(other).some(({ key }) => sites.some((s) => s.key === key));
    const rebooting = leases.all().find((lease) => isOut(lease) && sharing(lease.host));
    if (rebooting !== undefined) return `${rebooting.host} of the same site has its turn to reboot`;
    const silent = fleets.require().fleet.hosts.find(({ name }) => sharing(name) && !roster.find(name).connected);
    if (silent !== undefined) return `${silent.name} of the same site is silent`;
    return drains.shortage(host, rollout);
  }
}

/** Each probe of a way was answered, and well the last time that it said anything. */
function answersWell(answers: readonly ProbeAnswer[]): boolean {
  const known = answers.filter(({ outcome }) => outcome.kind !== "unknown");
  const byProbe = [...Map.groupBy(known, ({ stratum }) => stratum.probe).values()];
  return byProbe.length > 0 && byProbe.every((list) => list.at(-1)?.outcome.kind === "good");
}
