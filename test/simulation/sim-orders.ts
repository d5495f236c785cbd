import {
  type ActivationAction,
  type ActivationFacts,
  instant,
  type ObservedHost,
  type ProbeResult,
  readyKey,
  type SiteDuties,
  slotSeen,
  tallyRound,
} from "@sluice/core";
import type { History } from "./history.ts";
import type { HostPromises } from "./host-promises.ts";
import type { SimMachine } from "./sim-machine.ts";
import type { SimProber } from "./sim-prober.ts";
import { drainMs } from "./simulated-fleet.ts";

/** Everything an order needs; `host` is the look that it was decided by. */
export interface OrderSite {
  readonly host: ObservedHost;
  readonly duties: Readonly<Record<string, SiteDuties>>;
  /** When work that can be called off ends by itself. */
  readonly due: number;
  readonly isAlive: () => boolean;
  readonly isCalledOff: () => boolean;
  readonly onResults: (results: readonly ProbeResult[]) => void;
}

/** Orders for the keeper; the others are for a process that it keeps. */
const keeperKinds: readonly ActivationAction["kind"][] = ["start-slot", "stop-slot", "start-successor", "remove-proxy"];

/** Orders that can be called off while they run; the others are one short message to a process. */
const longKinds: readonly ActivationAction["kind"][] = ["ensure-installed", "await-ready", "probe"];
const betweenRoundsMs = 1000;

/**
 * Carries orders out on a simulated host: each takes its time, may fail, may be carried out without its answer arriving,
 * and goes on when the agent that gave it is gone.
 */
export class SimOrders {
  readonly #history: History;
  readonly #machine: SimMachine;
  readonly #prober: SimProber;
  readonly #promises: HostPromises;
  readonly #skewMs: number;
  /** Whether a release can be put on disk. */
  readonly #hasRoom: () => boolean;
  readonly #isKeeperSilent: () => boolean;
  /** Orders for one slot are carried out one after another. */
  readonly #turns = new Map<string, number>();

  constructor(
    history: History,
    machine: SimMachine,
    prober: SimProber,
    promises: HostPromises,
    given: { readonly skewMs: number; readonly hasRoom: () => boolean; readonly isKeeperSilent: () => boolean },
  ) {
    this.#history = history;
    this.#machine = machine;
    this.#prober = prober;
    this.#promises = promises;
    this.#skewMs = given.skewMs;
    this.#hasRoom = given.hasRoom;
    this.#isKeeperSilent = given.isKeeperSilent;
  }

  /** `done` is called with what is known then, unless the agent or the host is gone by that time. */
  give(
    site: OrderSite,
    facts: ActivationFacts,
    action: ActivationAction,
    done: (facts: ActivationFacts) => void,
  ): void {
    const { time, prng, calm, options } = this.#history;
    const { boot } = this.#machine;
    const isLong = longKinds.includes(action.kind);
    const isFull = action.kind === "ensure-installed" && !this.#hasRoom();
    const fails = isFull || (!calm && prng.chance(options.orderFailure));
    const answerIsLost = fails && !isFull && prng.chance(0.5);
    const tookMs = this.#turn(action, this.#duration(site, facts, action));
    const endsAt = isLong ? Math.min(time.now + tookMs, Math.max(site.due, time.now)) : time.now + tookMs;
    const isOverdue = endsAt < time.now + tookMs;
    const isSentAnyway = prng.chance(0.5);
    time.after(endsAt - time.now, () => {
      if (this.#machine.boot !== boot || (!site.isAlive() && (isLong || !isSentAnyway))) return;
      if (isOverdue || (isLong && site.isCalledOff())) return done(facts);
      const isDeaf = keeperKinds.includes(action.kind) && this.#isKeeperSilent();
      const next =
        isDeaf || (fails && !answerIsLost)
          ? failed(facts, action, "it did not answer")
          : this.#obey(site, facts, action);
      const known =
        answerIsLost && next.failures === facts.failures ? failed(facts, action, "its answer was lost") : next;
      if (site.isAlive()) done(known);
    });
  }

  #turn(action: ActivationAction, ms: number): number {
    if (action.kind !== "start-slot" && action.kind !== "stop-slot") return ms;
    const { now } = this.#history.time;
    const key = `${action.site}/${action.slot}`;
    const at = Math.max(now + ms, (this.#turns.get(key) ?? 0) + 1);
    this.#turns.set(key, at);
    return at - now;
  }

  #duration({ host }: OrderSite, { tally }: ActivationFacts, action: ActivationAction): number {
    const { time, prng, options } = this.#history;
    const ms = prng.whole(1, options.orderMs);
    if (action.kind === "probe") return ms + (Object.keys(tally).length === 0 ? 0 : betweenRoundsMs);
    if (action.kind === "ensure-installed") return ms * prng.whole(1, 4);
    if (action.kind !== "await-ready") return ms;
    const seen = slotSeen(host, action.site, action.slot);
    const process = seen === undefined ? undefined : this.#machine.slotOf(action.site, action.slot);
    const waitMs =
      process === undefined || process.readyAt === Number.POSITIVE_INFINITY ? 800 : process.readyAt - time.now;
    return ms + Math.max(0, waitMs);
  }

  #obey(site: OrderSite, facts: ActivationFacts, action: ActivationAction): ActivationFacts {
    const { time, prng } = this.#history;
    switch (action.kind) {
      case "ensure-installed":
        this.#machine.install(action.release.digest);
        return facts;
      case "start-slot": {
        if (!this.#machine.installed.has(action.release.digest)) return failed(facts, action, "it is not installed");
        const dies = this.#history.behaviours.get(action.release.digest) === "dies-on-start";
        const readyAt = dies ? Number.POSITIVE_INFINITY : time.now + prng.whole(50, 4000);
        this.#machine.startSlot(action.site, action.slot, action.release, readyAt);
        break;
      }
      case "await-ready":
        return this.#awaitReady(site, facts, action);
      case "stop-slot":
        this.#promises.stopsSlot(action.site, action.slot);
        this.#machine.stopSlot(action.site, action.slot);
        break;
      case "start-successor":
        if (!this.#machine.installed.has(action.release.digest)) return failed(facts, action, "it is not installed");
        this.#machine.startProxy(
          action.unit,
          action.release,
          action.slots,
          action.routesBeforeAccept,
          action.certificates,
        );
        break;
      case "probe":
        return this.#probe(site, facts, action);
      default:
        return this.#tellProxy(facts, action);
    }
    this.#promises.processesChanged();
    return facts;
  }

  #awaitReady(
    { host }: OrderSite,
    facts: ActivationFacts,
    action: Extract<ActivationAction, { kind: "await-ready" }>,
  ): ActivationFacts {
    const seen = slotSeen(host, action.site, action.slot);
    if (seen === undefined) return facts;
    const process = this.#machine.slotOf(action.site, action.slot);
    const isReady = process?.pid === seen.pid && process.alive && this.#history.time.now >= process.readyAt;
    return isReady
      ? { ...facts, ready: [...facts.ready, readyKey(seen)] }
      : failed(facts, action, "exited with code 1");
  }

  #probe(
    site: OrderSite,
    facts: ActivationFacts,
    { rounds }: Extract<ActivationAction, { kind: "probe" }>,
  ): ActivationFacts {
    const at = instant(this.#history.time.now + this.#skewMs);
    const results = rounds.flatMap((order) => {
      const duties = site.duties[order.site];
      if (duties === undefined) return [];
      const found = this.#prober.round(duties, order, at);
      if (order.target.hop === "listener" || order.target.hop === "edge") site.onResults(found);
      return found;
    });
    return { ...facts, tally: tallyRound(facts.tally, results) };
  }

  #tellProxy(
    facts: ActivationFacts,
    action: Extract<ActivationAction, { kind: "put-slots" | "accept" | "drain" | "remove-proxy" }>,
  ): ActivationFacts {
    const proxy = this.#machine.proxyOf(action.childId);
    if (proxy === undefined) return action.kind === "remove-proxy" ? facts : failed(facts, action, "it is gone");
    const drainsFirst = action.kind === "remove-proxy" && action.graceMs > drainMs && proxy.isUp;
    if (drainsFirst) this.#machine.drain(proxy, action.graceMs, this.#lingerMs());
    else if (action.kind === "remove-proxy") {
      this.#promises.removesProxy(proxy);
      this.#machine.removeProxy(proxy);
    } else if (!proxy.isUp) return failed(facts, action, "it does not answer");
    else if (action.kind === "put-slots") this.#machine.putSlots(proxy, action.slots, this.#lingerMs());
    else if (action.kind === "accept") this.#machine.accept(proxy);
    else this.#machine.drain(proxy, action.limitMs, this.#lingerMs());
    this.#promises.processesChanged();
    return facts;
  }

  /** Websockets and downloads stay where they are for a while. */
  #lingerMs(): number {
    const { prng } = this.#history;
    return prng.chance(0.3) ? prng.whole(1, 12_000) : 0;
  }
}

const failed = (facts: ActivationFacts, { kind }: ActivationAction, sentence: string): ActivationFacts => ({
  ...facts,
  failures: [...facts.failures, { action: kind, sentence, retryHelps: true }],
});
