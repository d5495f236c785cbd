import { type DurationMs, type NewEvent, type RebootLease, turnActor, turnEvent } from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import type { DrainDesk } from "../hosts/drain-desk.ts";
import { appendEvent } from "../store/event-log.ts";
import { readOrders, removeOrder, writeOrder } from "../store/standing-orders.ts";
import type { Db, Store } from "../store/store.ts";

export interface LeaseBookOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly drains: DrainDesk;
  /** How long an edge may take to notice that a host is drained for its reboot; core's when absent. */
  readonly noticeMs: DurationMs | undefined;
}

/** Who asks for a turn, and how that is told to whoever looks at the drain. */
export interface Asker extends Pick<RebootLease, "host" | "client" | "group" | "order"> {
  readonly by: string;
  readonly reason: string;
}

/** Turns to reboot as they are stored: each change with its drain and its event, or not at all. */
export class LeaseBook {
  readonly #options: LeaseBookOptions;

  constructor(options: LeaseBookOptions) {
    this.#options = options;
  }

  all(): readonly RebootLease[] {
    return readOrders(this.#options.store, "reboot-lease");
  }

  of(host: string): RebootLease | undefined {
    return this.all().find((lease) => lease.host === host);
  }

  /** The host gets ready: it is drained, if nobody has done that before. */
  begin({ by, reason, ...asked }: Asker): void {
    const { drains, clock } = this.#options;
    const { host } = asked;
    const also = (isDrainedHere: boolean) => (db: Db) => {
      const lease: RebootLease = { ...asked, at: clock.now(), drains: isDrainedHere };
      writeOrder(db, "reboot-lease", host, lease);
      return [turnEvent(lease, "asked", clock.now())];
    };
    if (drains.find(host) === undefined) {
      const rollout = asked.order === undefined ? undefined : asked.client;
      drains.drain({ host, by, reason, rollout, noticeMs: this.#options.noticeMs }, also(true));
    } else this.#save(also(false));
  }

  /** It may go; a host that reboots itself is told by its intent, which names the boot that is to end. */
  grant(host: string, bootId?: string): void {
    const { clock } = this.#options;
    this.#save((db) => {
      const lease = readOrders(db, "reboot-lease").find((one) => one.host === host);
      if (lease === undefined) return [];
      const order = lease.order === undefined || bootId === undefined ? {} : { order: { ...lease.order, bootId } };
      writeOrder(db, "reboot-lease", host, { ...lease, ...order, grantedAt: clock.now() });
      return [turnEvent(lease, "granted", clock.now())];
    });
  }

  /** Users come to it again; whoever wanted the turn has yet to take note. */
  back(lease: RebootLease): void {
    const { clock } = this.#options;
    const backAt = clock.now();
    this.#undrained(lease, "back from its reboot", (db) => {
      writeOrder(db, "reboot-lease", lease.host, { ...lease, backAt, drains: false });
      return [turnEvent(lease, "back", backAt)];
    });
  }

  /** The turn is over; `what` becomes of the host, as a clause. */
  end(lease: RebootLease, what: string): void {
    this.#undrained(lease, what, (db) => this.ended(db, lease, what));
  }

  /** Part of the caller's transaction. A turn that ends after its host came back has been told of. */
  ended(db: Db, lease: RebootLease, what: string): readonly NewEvent[] {
    removeOrder(db, "reboot-lease", lease.host);
    if (lease.backAt !== undefined) return [];
    return [turnEvent(lease, "ended", this.#options.clock.now(), what)];
  }

  #undrained(lease: RebootLease, reason: string, also: (db: Db) => readonly NewEvent[]): void {
    const { drains } = this.#options;
    const { host } = lease;
    if (lease.drains && drains.find(host) !== undefined) drains.undrain({ host, by: turnActor(lease), reason }, also);
    else this.#save(also);
  }

  #save(carryOut: (db: Db) => readonly NewEvent[]): void {
    this.#options.store.transact((db) => {
      for (const told of carryOut(db)) appendEvent(db, told);
    });
  }
}
