import { type GateState, type HostView, haltAllWords, type VerdictRow, type WaitingOn } from "@sluice/core";
import type {
  GetStatusRequest,
  GetStatusResponse,
  HostDrain,
  ListRolloutsRequest,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Rollout as WireRollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import type { Clock } from "@sluice/runtime";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { DrainDesk } from "../hosts/drain-desk.ts";
import type { Roster } from "../hosts/roster.ts";
import { wireDrain } from "../rpc/drain-methods.ts";
import { type RolloutLight, toWireRollout } from "../rpc/wire-rollout.ts";
import { listRollouts, readActiveRollouts, type StoredRollout } from "../store/rollouts.ts";
import { readHaltAll } from "../store/standing-orders.ts";
import type { Store } from "../store/store.ts";
import { hostStatus, servesSite } from "./host-status.ts";

export interface FleetViewOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly fleets: FleetDesk;
  readonly roster: Roster;
  readonly drains: DrainDesk;
  readonly waitingOn: (id: string) => readonly WaitingOn[];
  /** The table behind the present verdict on a rollout. */
  readonly evidenceFor: (stored: StoredRollout) => readonly VerdictRow[];
  readonly gates: (id: string) => readonly GateState[];
  readonly hostViews: () => Readonly<Record<string, HostView>>;
  /** Why nothing is decided at all; undefined in good order. */
  readonly standstill: () => string | undefined;
  /** What is to be known about telling people, in words. */
  readonly alerts: () => readonly string[];
}

function drainOf(drains: DrainDesk, host: string): HostDrain | undefined {
  const order = drains.find(host);
  return order === undefined ? undefined : wireDrain(order, drains.state(order));
}

/** How many rollouts a list holds when nobody says. */
const listedMax = 50;

/** What operators see. */
export class FleetView {
  readonly #options: FleetViewOptions;

  constructor(options: FleetViewOptions) {
    this.#options = options;
  }

  status({ site, host }: GetStatusRequest): GetStatusResponse {
    const { store, clock, fleets, roster, drains } = this.#options;
    const configured = fleets.require();
    const hosts = host === undefined ? configured.fleet.hosts.map(({ name }) => name) : [fleets.host(host).name];
    const input = {
      db: store,
      now: clock.now(),
      configured,
      findHost: (name: string) => roster.find(name),
      drainOf: (name: string) => drainOf(drains, name),
    };
    const statuses = hosts.map((name) => hostStatus(input, name));
    return {
      fleet: configured.fleet.name,
      hosts:
        site === undefined
          ? statuses
          : statuses.map((one) => ({ ...one, units: one.units.filter(servesSite(fleets.site(site).name)) })),
      activeRollouts: readActiveRollouts(store)
        .filter(({ rollout }) => site === undefined || rollout.sites.includes(site))
        .map((stored) => this.rollout(stored)),
      environments: configured.fleet.environments.map(({ name }) => name),
      remarks: [
        ...this.#standstill().map(({ sentence }) => sentence),
        ...this.#haltedWords(),
        ...this.#options.alerts(),
      ],
    };
  }

  /** Newest first. */
  rollouts({ activeOnly, site, limit }: ListRolloutsRequest): WireRollout[] {
    return listRollouts(this.#options.store)
      .filter(({ endedAt }) => !activeOnly || endedAt === undefined)
      .filter(({ rollout }) => site === undefined || rollout.sites.includes(site))
      .slice(0, limit > 0 ? limit : listedMax)
      .map((stored) => this.rollout(stored));
  }

  rollout(stored: StoredRollout): WireRollout {
    return toWireRollout(stored, this.#light(stored));
  }

  rolloutWithEvidence(stored: StoredRollout): WireRollout {
    return toWireRollout(stored, { ...this.#light(stored), evidence: this.#options.evidenceFor(stored) });
  }

  #light(stored: StoredRollout): RolloutLight {
    const { clock, waitingOn, gates, hostViews } = this.#options;
    const reasons = stored.endedAt === undefined ? [...this.#standstill(), ...waitingOn(stored.rollout.id)] : [];
    const before = stored.state.phase === "waiting-for-gates" ? gates(stored.rollout.id) : [];
    return { now: clock.now(), waitingOn: reasons, gates: before, hosts: hostViews() };
  }

  #haltedWords(): readonly string[] {
    const halt = readHaltAll(this.#options.store);
    return halt === undefined ? [] : [haltAllWords(halt)];
  }

  #standstill(): readonly WaitingOn[] {
    const sentence = this.#options.standstill();
    return sentence === undefined ? [] : [{ kind: "operator", sentence, hosts: [] }];
  }
}
