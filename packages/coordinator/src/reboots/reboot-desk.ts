import {
  concerns,
  type DurationMs,
  drainedEnough,
  frozenUntil,
  frozenWords,
  haltAllWords,
  type Instant,
  instant,
  judgeReturn,
  type NewEvent,
  type PlanInput,
  type ProbeAnswer,
  Problem,
  type RebootAnswer,
  type RebootLease,
  type RebootObstacles,
  type RebootRefusal,
  rebootObstacle,
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
import { appendEvent } from "../store/event-log.ts";
import { readActiveRollouts } from "../store/rollouts.ts";
import { readHaltAll, readOrders, removeOrder, writeOrder } from "../store/standing-orders.ts";
import type { Db, Store } from "../store/store.ts";

export interface RebootDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly fleets: FleetDesk;
  readonly roster: Roster;
  readonly drains: DrainDesk;
  readonly hosts: () => Pick<PlanInput, "fleet" | "proven">;
  readonly evidence: Pick<EvidenceBook, "rounds">;
  /** How long an edge may take to notice that a host is drained for its reboot; core's when absent. */
  readonly noticeMs: DurationMs | undefined;
  readonly assertLeading: (what: string) => void;
}

/** Who asks, as a reboot manager says it. */
export interface RebootClient {
  readonly id: string;
  readonly group: string;
}

/** Whose turn it is to reboot: one host of a site at a time, drained before and proven after. */
export class RebootDesk {
  readonly #options: RebootDeskOptions;

  constructor(options: RebootDeskOptions) {
    this.#options = options;
  }

  /** May this host reboot now? Asking again changes nothing; a host that may is told so until it is back. */
  ask(client: RebootClient): RebootAnswer {
    const { drains, assertLeading } = this.#options;
    assertLeading("let a host reboot");
    const host = this.#hostOf(client);
    const lease = this.#leases().find((one) => one.host === host);
    if (lease?.grantedAt !== undefined) return { kind: "yes" };
    const obstacle = rebootObstacle(this.#obstacles(host));
    if (obstacle !== undefined) return obstacle;
    if (lease === undefined) this.#begin(host, client);
    const order = drains.find(host);
    if (order === undefined) throw new Problem("internal", `cannot let ${host} reboot: it has a lease and no drain`);
    const answer = drainedEnough(drains.state(order));
    if (answer.kind === "yes") this.#grant(host);
    return answer;
  }

  /** The host says that it is in its steady state: its turn ends when it is back. Somebody without a turn has none to give back. */
  release(client: RebootClient): RebootAnswer {
    const { assertLeading, drains } = this.#options;
    assertLeading("take back a reboot lease");
    const host = this.#find(client);
    const lease = this.#leases().find((one) => one.host === host);
    if (host === undefined || lease === undefined) return { kind: "yes" };
    const answer = judgeReturn(lease, this.#returned(lease));
    if (answer.kind === "no") return answer;
    const also = (db: Db): readonly NewEvent[] => this.#end(db, lease, "is back from its reboot, proven and healthy");
    if (lease.drains && drains.find(host) !== undefined) {
      drains.undrain({ host, by: "fleetlock", reason: "back from its reboot" }, also);
    } else this.#save(also);
    return answer;
  }

  /** An operator undrains a host: a turn to reboot that it holds is over as well. */
  undrain(asked: { readonly host: string; readonly by: string; readonly reason: string }): void {
    const lease = this.#leases().find(({ host }) => host === asked.host);
    this.#options.drains.undrain(asked, (db) =>
      lease === undefined ? [] : this.#end(db, lease, `loses its turn to reboot: undrained by ${asked.by}`),
    );
  }

  #leases(): readonly RebootLease[] {
    return readOrders(this.#options.store, "reboot-lease");
  }

  #hostOf(client: RebootClient): string {
    const host = this.#find(client);
    if (host !== undefined) return host;
    throw new Problem("host-unknown", `no host of the fleet is called '${client.id}', or has it as its reboot id`);
  }

  #find({ id }: RebootClient): string | undefined {
    const names = this.#options.fleets.applied?.fleet.hosts.map(({ name }) => name) ?? [];
    const { roster } = this.#options;
    return (
      names.find((name) => name === id) ??
      names.find((name) => roster.find(name).observation?.rebootClientId === id) ??
      this.#leases().find(({ client }) => client === id)?.host
    );
  }

  #begin(host: string, { id, group }: RebootClient): void {
    const { drains, clock } = this.#options;
    const also = (drainsHost: boolean) => (db: Db) => {
      const lease: RebootLease = { host, client: id, group, at: clock.now(), drains: drainsHost };
      writeOrder(db, "reboot-lease", host, lease);
      return [event(lease, clock.now(), "host.reboot-asked", `${host} gets ready to reboot`)];
    };
    if (drains.find(host) !== undefined) this.#save(also(false));
    else {
      const reason = `reboot asked for by ${id} (${group})`;
      drains.drain({ host, by: "fleetlock", reason, noticeMs: this.#options.noticeMs }, also(true));
    }
  }

  #grant(host: string): void {
    const { clock } = this.#options;
    this.#save((db) => {
      const lease = readOrders(db, "reboot-lease").find((one) => one.host === host);
      if (lease === undefined) return [];
      writeOrder(db, "reboot-lease", host, { ...lease, grantedAt: clock.now() });
      return [event(lease, clock.now(), "host.reboot-granted", `${host} may reboot`)];
    });
  }

  #end(db: Db, lease: RebootLease, what: string): readonly NewEvent[] {
    removeOrder(db, "reboot-lease", lease.host);
    return [event(lease, this.#options.clock.now(), "host.reboot-ended", `${lease.host} ${what}`)];
  }

  #save(carryOut: (db: Db) => readonly NewEvent[]): void {
    this.#options.store.transact((db) => {
      for (const told of carryOut(db)) appendEvent(db, told);
    });
  }

  #obstacles(host: string): RebootObstacles {
    const { store, clock, roster, hosts } = this.#options;
    const halt = readHaltAll(store);
    const busy = readActiveRollouts(store).find(({ rollout, state }) =>
      Object.keys(busyUnits(rollout, state)).some((key) => key.startsWith(`${host}/`)),
    );
    const found: Partial<Record<RebootRefusal, string | undefined>> = {
      halted: halt === undefined ? undefined : haltAllWords(halt),
      blind: blindness(hosts())?.sentence,
      host_silent: roster.find(host).connected ? undefined : `${host} is silent: its agent does not report`,
      frozen: this.#frozen(host),
      window_closed: this.#windowClosed(host),
      rollout_busy: busy === undefined ? undefined : `${host} is in the hands of rollout ${busy.rollout.id}`,
      site_busy: this.#siteBusy(host),
    };
    const sentences = Object.fromEntries(Object.entries(found).filter(([, sentence]) => sentence !== undefined));
    return { now: clock.now(), host, leases: this.#leases(), sentences };
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
  #siteBusy(host: string): string | undefined {
    const { drains, roster, fleets } = this.#options;
    const sites = drains.sitesOn(host);
    const sharing = (other: string): boolean =>
      other !== host &&
      fleets.isHost(other) &&
      drains.sitesOn(other).some(({ key }) => sites.some((s) => s.key === key));
    const rebooting = this.#leases().find((lease) => sharing(lease.host));
    if (rebooting !== undefined) return `${rebooting.host} of the same site has its turn to reboot`;
    const silent = fleets.require().fleet.hosts.find(({ name }) => sharing(name) && !roster.find(name).connected);
    if (silent !== undefined) return `${silent.name} of the same site is silent`;
    return drains.shortage(host);
  }

  #returned(lease: RebootLease) {
    const { clock, roster, hosts, fleets, evidence } = this.#options;
    const { host } = lease;
    const { connected, observation } = roster.find(host);
    const prefix = hostUnit(host, "");
    const proven = Object.entries(hosts().proven ?? {}).filter(([key]) => key.startsWith(prefix));
    const notRunning = proven.flatMap(([key, digest]) => {
      const unit = key.slice(prefix.length);
      const seen = observation?.units.find((one) => one.unit === unit);
      return seen?.running?.digest === digest ? [] : [unit];
    });
    const since = instant(Math.max(lease.grantedAt ?? 0, observation?.agent.startedAt ?? 0));
    const duties = fleets
      .require()
      .configurationOf(host)
      .sites.filter(({ site }) => isProven(proven, prefix, site));
    const range = { host, from: since, until: instant(Number.MAX_SAFE_INTEGER) };
    const answers = evidence.rounds(
      range,
      duties.map(({ site }) => site),
    );
    const unhealthy = duties.flatMap(({ site, bindings }) =>
      bindings.flatMap(({ name, shared }) => {
        const hop = shared ? "front" : "proxy";
        const ofWay = answers.filter(
          ({ stratum }) => stratum.site === site && stratum.binding === name && stratum.hop === hop,
        );
        return answersWell(ofWay) ? [] : [`${name} via ${hop} has not answered well since`];
      }),
    );
    return { now: clock.now(), connected, notRunning, unhealthy };
  }
}

/** Each probe of a way was answered, and well the last time that it said anything. */
function answersWell(answers: readonly ProbeAnswer[]): boolean {
  const known = answers.filter(({ outcome }) => outcome.kind !== "unknown");
  const byProbe = [...Map.groupBy(known, ({ stratum }) => stratum.probe).values()];
  return byProbe.length > 0 && byProbe.every((list) => list.at(-1)?.outcome.kind === "good");
}

const isProven = (proven: readonly (readonly [string, string])[], prefix: string, site: string): boolean =>
  proven.some(([key]) => key === `${prefix}site:${site}`);

const event = (lease: RebootLease, at: Instant, kind: string, sentence: string): NewEvent => ({
  ...{ at, kind, sentence, by: "fleetlock", host: lease.host },
  details: { client: lease.client, group: lease.group },
});
