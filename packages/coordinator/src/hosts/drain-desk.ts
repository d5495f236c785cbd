import {
  type DrainedHost,
  type DrainOrder,
  type DrainState,
  type DurationMs,
  drainLimitMs,
  drainNoticeMs,
  drainWords,
  type Instant,
  judgeDrain,
  type NewEvent,
  Problem,
} from "@sluice/core";
import { unavailableHosts } from "@sluice/core/rollout/capacity";
import { nameHosts, siteIn } from "@sluice/core/rollout/wave";
import { carryOutOrder, type OrderGround } from "../carry-out-order.ts";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { readActiveRollouts } from "../store/rollouts.ts";
import { readOrders, removeOrder, writeOrder } from "../store/standing-orders.ts";
import type { Db } from "../store/store.ts";
import type { Roster } from "./roster.ts";

export interface DrainDeskOptions extends OrderGround {
  readonly fleets: FleetDesk;
  readonly roster: Roster;
}

/** What is asked for; what is left out is core's. */
export interface DrainAsked {
  readonly host: string;
  readonly by: string;
  readonly reason: string;
  readonly noticeMs?: DurationMs | undefined;
  readonly limitMs?: DurationMs | undefined;
  /** The rollout on whose behalf it is drained: what that keeps away itself is no obstacle. */
  readonly rollout?: string | undefined;
  /** Although a site has more hosts unavailable then than it allows. */
  readonly anyway?: boolean;
}

/** Hosts that users are led away from, by whose order, and how far that has come. */
export class DrainDesk {
  readonly #options: DrainDeskOptions;

  constructor(options: DrainDeskOptions) {
    this.#options = options;
  }

  find(host: string): DrainOrder | undefined {
    return readOrders(this.#options.store, "drain").find((order) => order.host === host);
  }

  state(order: DrainOrder): DrainState {
    const { clock, roster } = this.#options;
    const { connected, observation, drainingSince } = roster.find(order.host);
    return judgeDrain(order, {
      now: clock.now(),
      connected,
      obeyedSince: drainingSince,
      open: observation?.drain?.open,
    });
  }

  /** As rollouts look at them; orders for hosts that have left the fleet concern nobody. */
  drained(): readonly DrainedHost[] {
    const { store, fleets } = this.#options;
    return readOrders(store, "drain")
      .filter(({ host }) => fleets.isHost(host))
      .map(({ host, by, reason }) => ({ host, by, reason, sites: this.sitesOn(host).map(({ key }) => key) }));
  }

  drain(asked: DrainAsked, also?: (db: Db) => readonly NewEvent[]): DrainOrder {
    const { clock, fleets } = this.#options;
    const { by, reason } = asked;
    const host = fleets.host(asked.host).name;
    const before = this.find(host);
    if (before !== undefined) throw new Problem("order-conflict", `cannot drain host '${host}': ${drainWords(before)}`);
    if (reason.trim() === "") {
      throw new Problem("reason-missing", `cannot drain host '${host}' without a reason`, {
        hint: "give one with --reason",
      });
    }
    const full = this.shortage(host, asked.rollout);
    if (full !== undefined && asked.anyway !== true) {
      throw new Problem("verb-refused", `cannot drain host '${host}': ${full}`, {
        hint: "wait for them, or say --anyway",
      });
    }
    const { noticeMs = drainNoticeMs, limitMs = drainLimitMs } = asked;
    const order: DrainOrder = { host, by, reason, at: clock.now(), noticeMs, limitMs };
    const beyond = full === undefined ? "" : `, although ${full}`;
    this.#order(`drain host '${host}'`, (db, at) => {
      writeOrder(db, "drain", host, order);
      const sentence = `${by} drained ${host}: ${reason}${beyond}`;
      return [{ at, kind: "host.drain-ordered", by, sentence, host, details: order }, ...(also?.(db) ?? [])];
    });
    return order;
  }

  undrain(
    { host, by, reason }: Pick<DrainAsked, "host" | "by" | "reason">,
    also?: (db: Db) => readonly NewEvent[],
  ): void {
    if (this.find(host) === undefined) {
      throw new Problem("verb-refused", `cannot undrain host '${host}': it is not drained`, {
        hint: "sluice host list",
      });
    }
    const why = reason.trim() === "" ? "" : `: ${reason}`;
    this.#order(`undrain host '${host}'`, (db, at) => {
      removeOrder(db, "drain", host);
      const sentence = `${by} lets users come to ${host} again${why}`;
      return [{ at, kind: "host.undrained", by, sentence, host, details: { reason } }, ...(also?.(db) ?? [])];
    });
  }

  /** Why a site could not spare this host as well; undefined when all of them can. `except`: a rollout that counts not. */
  shortage(host: string, except?: string): string | undefined {
    const active = readActiveRollouts(this.#options.store).filter(({ rollout }) => rollout.id !== except);
    const held = active.map(({ rollout, state }) => unavailableHosts(rollout, state));
    const drained = this.drained();
    for (const { site, key, maxUnavailable } of this.sitesOn(host)) {
      const away = drained.filter(({ sites }) => sites.includes(key)).map((one) => one.host);
      const others = new Set([...away, ...held.flatMap((hosts) => hosts[key] ?? [])]);
      others.delete(host);
      if (others.size < maxUnavailable) continue;
      return `${nameHosts([...others])} of ${site} ${others.size === 1 ? "is" : "are"} unavailable already (at most ${maxUnavailable} at a time)`;
    }
    return undefined;
  }

  /** Sites of a host, under the keys by which rollouts count who is away. */
  sitesOn(host: string): readonly { readonly site: string; readonly key: string; readonly maxUnavailable: number }[] {
    const { fleets } = this.#options;
    const { environment, sites } = fleets.require().configurationOf(host);
    return sites.map(({ site }) => ({
      site,
      key: siteIn(site, environment),
      maxUnavailable: fleets.site(site).maxUnavailable,
    }));
  }

  #order(what: string, carryOut: (db: Db, at: Instant) => readonly NewEvent[]): void {
    carryOutOrder(this.#options, what, carryOut);
  }
}
