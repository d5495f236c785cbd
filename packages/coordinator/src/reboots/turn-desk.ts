import {
  describeTurn,
  Problem,
  planTurn,
  type RebootLease,
  type RebootTurn,
  rebootObstacle,
  type TurnAct,
  type TurnInput,
  type TurnWanted,
  turnsAsked,
  turnsWanted,
} from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { DrainDesk } from "../hosts/drain-desk.ts";
import type { HostsNow } from "../hosts/hosts-now.ts";
import { readActiveRollouts, type StoredRollout } from "../store/rollouts.ts";
import type { Store } from "../store/store.ts";
import type { LeaseBook } from "./lease-book.ts";
import type { RebootFacts } from "./reboot-facts.ts";

export interface TurnDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly fleets: FleetDesk;
  readonly drains: DrainDesk;
  readonly leases: LeaseBook;
  readonly facts: RebootFacts;
  readonly hosts: () => HostsNow;
}

/** Gives the hosts of rollouts their turns to reboot, under the rules by which reboot managers get theirs. */
export class TurnDesk {
  readonly #options: TurnDeskOptions;

  constructor(options: TurnDeskOptions) {
    this.#options = options;
  }

  /** Does what is next about every turn; true when it did anything. */
  advance(): boolean {
    const { store, leases, fleets } = this.#options;
    if (fleets.applied === undefined) return false;
    const wanted = turnsWanted(readActiveRollouts(store));
    const held = leases.all().filter(({ order }) => order !== undefined);
    const names = new Set([...wanted.map(({ host }) => host), ...held.map(({ host }) => host)]);
    const acts = [...names].filter((host) => {
      const lease = leases.of(host);
      const want = wanted.find((one) => one.host === host);
      if (!fleets.isHost(host)) return this.#forget(lease);
      const act = planTurn(this.#input(host, lease, want));
      if (act !== undefined) this.#carryOut(act, host, lease);
      return act !== undefined;
    });
    return acts.length > 0;
  }

  /** How far the turns have come that a rollout asked for, by host. */
  turnsOf(stored: StoredRollout): Readonly<Record<string, RebootTurn>> {
    const { leases, fleets } = this.#options;
    const asked = turnsAsked(stored).filter(({ host }) => fleets.isHost(host));
    return Object.fromEntries(
      asked.map((wanted) => [wanted.host, describeTurn(this.#input(wanted.host, leases.of(wanted.host), wanted))]),
    );
  }

  /** Throws `verb-refused` while a rollout still wants the turn of this host. */
  assertNotWanted(host: string): void {
    const wanted = turnsWanted(readActiveRollouts(this.#options.store)).find((one) => one.host === host);
    if (wanted === undefined) return;
    throw new Problem("verb-refused", `cannot undrain host '${host}': rollout ${wanted.rollout} reboots it`, {
      hint: `wait for it, or end it first: sluice rollout abort ${wanted.rollout}`,
    });
  }

  #input(host: string, lease: RebootLease | undefined, wanted: TurnWanted | undefined): TurnInput {
    const { clock, drains, facts, hosts } = this.#options;
    const drain = drains.find(host);
    const view = hosts().hosts[host];
    const boot = view?.observation?.boot;
    return {
      now: clock.now(),
      wanted,
      lease,
      obstacle: wanted === undefined ? undefined : rebootObstacle(facts.obstacles(host, wanted.rollout)),
      drain: drain === undefined ? undefined : drains.state(drain),
      boot,
      upToDate: view?.upToDate === true,
      returned: facts.returned(lease ?? { host }, boot !== undefined && boot.id !== lease?.order?.bootId),
    };
  }

  #carryOut(act: TurnAct, host: string, lease: RebootLease | undefined): void {
    const { leases } = this.#options;
    if (act.kind === "begin") {
      const { rollout, order } = act.wanted;
      const by = "coordinator";
      leases.begin({
        ...{ host, client: rollout, group: "rollout", order: { id: order }, by },
        reason: `its turn to reboot by rollout ${rollout}`,
      });
    }
    if (act.kind === "let-go") leases.grant(host, act.bootId);
    if (act.kind === "back" && lease !== undefined) leases.back(lease);
    if (act.kind === "end" && lease !== undefined) leases.end(lease, act.why);
  }

  /** A host that has left the fleet has no turn. */
  #forget(lease: RebootLease | undefined): boolean {
    if (lease === undefined) return false;
    this.#options.leases.end(lease, "has left the fleet");
    return true;
  }
}
