import {
  changeEvents,
  type Freeze,
  freezeEvent,
  type HaltAll,
  haltAllEvent,
  haltLiftedEvent,
  type Instant,
  type Mute,
  muteEvent,
  type NewEvent,
  Problem,
  unfreezeEvent,
  unmuteEvent,
} from "@sluice/core";
import { freedFromHaltAll, heldByHaltAll } from "@sluice/core/rollout/halt-all";
import { carryOutOrder, type OrderGround } from "../carry-out-order.ts";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { Asking } from "../rollouts/rollout-desk.ts";
import { readActiveRollouts, type StoredRollout, updateRollout } from "../store/rollouts.ts";
import { readHaltAll, readOrders, removeOrder, writeHaltAll, writeOrder } from "../store/standing-orders.ts";
import type { Db } from "../store/store.ts";

export interface OrderDeskOptions extends OrderGround {
  readonly fleets: FleetDesk;
}

/** A freeze and where it comes from. */
export interface ListedFreeze {
  readonly freeze: Freeze;
  /** False: the fleet file has it, and alone can end it. */
  readonly removable: boolean;
}

/** What operators order for the whole fleet until further notice: freezes, mutes, and the halt of everything. */
export class OrderDesk {
  readonly #options: OrderDeskOptions;

  constructor(options: OrderDeskOptions) {
    this.#options = options;
  }

  /** Those of the fleet file first, then those of operators that are not over. */
  freezes(): readonly ListedFreeze[] {
    const { fleets, store, clock } = this.#options;
    const now = clock.now();
    const declared = fleets.applied?.fleet.freezes ?? [];
    return [
      ...declared.map((freeze) => ({ freeze, removable: false })),
      ...readOrders(store, "freeze")
        .filter(({ when }) => when.kind !== "once" || now < when.to)
        .map((freeze) => ({ freeze, removable: true })),
    ];
  }

  addFreeze(freeze: Freeze, by: string): void {
    this.#assertNew(
      "freeze",
      freeze.name,
      this.freezes().map((listed) => listed.freeze.name),
    );
    assertNamed("freeze", freeze);
    this.#assertKnown(freeze);
    this.#order(`freeze '${freeze.name}'`, (db, at) => {
      writeOrder(db, "freeze", freeze.name, freeze);
      return [freezeEvent(freeze, by, at)];
    });
  }

  removeFreeze(name: string, { by, reason }: Asking): void {
    const found = this.freezes().find(({ freeze }) => freeze.name === name);
    if (found === undefined) {
      throw new Problem("freeze-unknown", `cannot find freeze '${name}'`, { hint: "sluice freeze list" });
    }
    if (!found.removable) {
      throw new Problem("verb-refused", `cannot remove freeze '${name}': the fleet file has it`, {
        hint: "take it out of the file: sluice apply; or override it for one wave: sluice rollout override ROLLOUT freeze",
      });
    }
    const why = needed(reason, `remove freeze '${name}'`);
    this.#order(`remove freeze '${name}'`, (db, at) => {
      removeOrder(db, "freeze", name);
      return [unfreezeEvent(found.freeze, by, why, at)];
    });
  }

  /** Those that have not ended. */
  mutes(): readonly Mute[] {
    const now = this.#options.clock.now();
    return readOrders(this.#options.store, "mute").filter(({ to }) => now < to);
  }

  addMute(mute: Omit<Mute, "from">): Mute {
    this.#assertNew(
      "mute",
      mute.name,
      this.mutes().map(({ name }) => name),
    );
    assertNamed("mute", mute);
    this.#assertKnown({ environments: [], sites: mute.sites });
    const { name } = mute;
    const added = { ...mute, from: this.#options.clock.now() };
    if (mute.to <= added.from)
      throw new Problem("usage-invalid", `cannot add mute '${name}': it ends before it begins`);
    this.#order(`mute '${name}'`, (db, at) => {
      writeOrder(db, "mute", name, added);
      return [muteEvent(added, at)];
    });
    return added;
  }

  removeMute(name: string, by: string): void {
    const found = this.mutes().find((mute) => mute.name === name);
    if (found === undefined) {
      throw new Problem("mute-unknown", `cannot find mute '${name}'`, { hint: "sluice mute list" });
    }
    this.#order(`remove mute '${name}'`, (db, at) => {
      removeOrder(db, "mute", name);
      return [unmuteEvent(found, by, at)];
    });
  }

  /** Pauses whatever goes forwards and lets nothing new begin; answers with the rollouts that it paused. */
  haltAll({ by, reason }: Asking): readonly string[] {
    const why = needed(reason, "halt everything");
    const halt: HaltAll = { by, reason: why, at: this.#options.clock.now() };
    return this.#changeAll("halt everything", by, {
      event: (rollouts) => haltAllEvent(halt, rollouts),
      first: (db) => writeHaltAll(db, halt),
      next: ({ rollout, state }) => heldByHaltAll(rollout, state, halt),
    });
  }

  /** Lifts the halt of everything; answers with the rollouts that go on. */
  clearHalt({ by, reason }: Asking): readonly string[] {
    if (readHaltAll(this.#options.store) === undefined) {
      throw new Problem("verb-refused", "cannot lift a halt of everything: there is none");
    }
    const now = this.#options.clock.now();
    return this.#changeAll("lift the halt", by, {
      event: (rollouts) => haltLiftedEvent(by, reason, rollouts, now),
      first: (db) => writeHaltAll(db, undefined),
      next: ({ rollout, state }) => freedFromHaltAll(rollout, state, by, now),
    });
  }

  #changeAll(
    what: string,
    by: string,
    change: {
      /** Told first, with the ids of what it changes. */
      readonly event: (rollouts: readonly string[]) => NewEvent;
      readonly first: (db: Db) => void;
      readonly next: (stored: StoredRollout) => StoredRollout["state"] | undefined;
    },
  ): readonly string[] {
    const changed: string[] = [];
    this.#order(what, (db, at) => {
      change.first(db);
      const events = readActiveRollouts(db).flatMap((stored) => {
        const next = change.next(stored);
        if (next === undefined) return [];
        changed.push(stored.rollout.id);
        updateRollout(db, stored.rollout.id, next, undefined);
        return changeEvents(stored, next, by, at);
      });
      return [change.event(changed), ...events];
    });
    return changed;
  }

  #order(what: string, carryOut: (db: Db, at: Instant) => readonly NewEvent[]): void {
    carryOutOrder(this.#options, what, carryOut);
  }

  #assertNew(noun: string, name: string, known: readonly string[]): void {
    if (!known.includes(name)) return;
    throw new Problem("order-conflict", `cannot add ${noun} '${name}': there is one of this name`, {
      hint: `choose another name, or look: sluice ${noun} list`,
    });
  }

  /** What is named wrongly would freeze or mute nothing, and look as if it did. */
  #assertKnown({ environments, sites }: Pick<Freeze, "environments" | "sites">): void {
    const { fleets } = this.#options;
    for (const environment of environments) fleets.environmentsTo(environment);
    for (const site of sites) fleets.site(site);
  }
}

/** Throws for a freeze or mute without a name that can be typed, a reason, or somebody who answers for it. */
export function assertNamed(
  noun: string,
  { name, owner, reason }: { readonly name: string; readonly owner: string; readonly reason: string },
): void {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new Problem("usage-invalid", `cannot call a ${noun} '${name}': lower-case letters, digits and inner hyphens`);
  }
  needed(reason, `add ${noun} '${name}'`);
  if (owner.trim() === "") {
    throw new Problem("usage-invalid", `cannot add ${noun} '${name}': somebody has to answer for it`, {
      hint: "name them with --owner",
    });
  }
}

function needed(reason: string | undefined, what: string): string {
  if (reason !== undefined && reason.trim() !== "") return reason;
  throw new Problem("reason-missing", `cannot ${what} without a reason`, { hint: "give one with --reason" });
}
