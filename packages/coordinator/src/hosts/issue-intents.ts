import {
  type DrainOrder,
  deriveIntentBody,
  type IntentBody,
  type IntentInput,
  type RebootLease,
  rebootOrderOf,
  type UnitRelease,
} from "@sluice/core";
import { changesOn } from "@sluice/core/rollout/wave";
import type { Clock } from "@sluice/runtime";
import type { ConfiguredFleet, FleetDesk } from "../fleet/fleet-desk.ts";
import type { Leadership } from "../leadership.ts";
import { type DesiredUnit, type ProvenUnit, readDesired, readProven } from "../store/host-units.ts";
import { readActiveRollouts, type StoredRollout } from "../store/rollouts.ts";
import { readOrders } from "../store/standing-orders.ts";
import type { Store } from "../store/store.ts";
import { readUnitRelease } from "../store/unit-releases.ts";
import type { IntentDesk } from "./intent-desk.ts";

export interface IntentIssuerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly leadership: Leadership;
  readonly fleets: FleetDesk;
  readonly intents: IntentDesk;
  /** Sends the newest intent of a host, if its agent is here. */
  readonly push: (host: string) => void;
  /** Told after intents were saved. */
  readonly onIssued: () => void;
}

interface Facts {
  /** By host. */
  readonly proven: ReadonlyMap<string, readonly ProvenUnit[]>;
  readonly desired: ReadonlyMap<string, readonly DesiredUnit[]>;
  readonly active: readonly StoredRollout[];
  readonly drains: readonly DrainOrder[];
  readonly leases: readonly RebootLease[];
}

/** Derives the intent of every host that has spoken since the start; those that say something new are saved, then sent. */
export class IntentIssuer {
  readonly #options: IntentIssuerOptions;
  /** Releases never change, so that each is read once. */
  readonly #releases = new Map<string, UnitRelease>();

  constructor(options: IntentIssuerOptions) {
    this.#options = options;
  }

  issueAll(): void {
    const { fleets, store, intents, leadership, clock, push, onIssued } = this.#options;
    const { applied } = fleets;
    if (applied === undefined) return;
    const facts = {
      proven: Map.groupBy(readProven(store), ({ host }) => host),
      desired: Map.groupBy(readDesired(store), ({ host }) => host),
      active: readActiveRollouts(store),
      drains: readOrders(store, "drain"),
      leases: readOrders(store, "reboot-lease"),
    };
    const met = applied.fleet.hosts.filter(({ name }) => leadership.hasMet(name));
    const bodies = met.map(({ name }): [string, IntentBody] => [name, this.#derive(applied, name, facts)]);
    const changed = bodies.filter(([host, body]) => intents.isNew(store, host, body));
    if (changed.length === 0) return;
    store.transact((db) => {
      for (const [host, body] of changed) intents.issue(db, host, body, leadership.fence, clock.now());
    });
    for (const [host] of changed) push(host);
    onIssued();
  }

  #derive({ configurationOf }: ConfiguredFleet, host: string, facts: Facts): IntentBody {
    const { environment, unconfirmed, drift, siteDrift, sites } = configurationOf(host);
    const proven = facts.proven.get(host) ?? [];
    return deriveIntentBody({
      host,
      environment,
      unconfirmed,
      drift,
      siteDrift,
      duties: sites,
      desired: Object.fromEntries((facts.desired.get(host) ?? []).map(({ unit, digest }) => [unit, digest])),
      proven: Object.fromEntries(proven.map(({ unit, digest }) => [unit, digest])),
      holds: holdsOf(host, proven, facts.active),
      rollouts: facts.active,
      draining: facts.drains.some((order) => order.host === host),
      reboot: rebootOrderOf(
        facts.leases.find((lease) => lease.host === host),
        facts.active,
      ),
      releaseOf: (digest) => this.#releaseOf(digest),
    });
  }

  #releaseOf(digest: string): UnitRelease | undefined {
    const known = this.#releases.get(digest) ?? readUnitRelease(this.#options.store, digest);
    if (known !== undefined) this.#releases.set(digest, known);
    return known;
  }
}

/** What a host may have to go back to: the release proven before, and what its active rollouts started from. */
function holdsOf(host: string, proven: readonly ProvenUnit[], active: readonly StoredRollout[]): IntentInput["holds"] {
  const holds: Record<string, string[]> = {};
  const hold = (unit: string, digest: string | undefined): void => {
    if (digest !== undefined) holds[unit] = [...(holds[unit] ?? []), digest];
  };
  for (const { unit, previous } of proven) hold(unit, previous);
  for (const { rollout } of active) {
    for (const { units } of changesOn(rollout, host)) for (const { unit, from } of units) hold(unit, from);
  }
  return holds;
}
