import {
  type DrainedHost,
  type DrainState,
  drainLimitMs,
  drainNoticeMs,
  type HostView,
  haltAllWords,
  type Instant,
  isOut,
  judgeDrain,
  type NewEvent,
  type RebootLease,
  type RebootObstacles,
  type RebootOrder,
  type RebootTurn,
  type ReturnSeen,
  rebootOrderOf,
  type TurnAct,
  type TurnInput,
  type TurnWanted,
  turnEvent,
  turnsAsked,
  turnsWanted,
} from "@sluice/core";
import { blindness } from "@sluice/core/rollout/blindness";
import { busyUnits, unavailableHosts } from "@sluice/core/rollout/capacity";
import { hostUnit, siteIn } from "@sluice/core/rollout/wave";
import type { History } from "./history.ts";
import type { RebootPromises } from "./reboot-promises.ts";
import type { Asked } from "./report.ts";
import type { SimGates } from "./sim-gates.ts";
import { dutiesOf, sitesOf } from "./simulated-fleet.ts";
import type { Place, Store } from "./store.ts";

type Entry = Store["rollouts"][number];

/** What a coordinator knows by which turns are decided. */
export interface TurnGround {
  readonly history: History;
  readonly places: readonly Place[];
  readonly gates: SimGates;
  readonly store: Store;
  readonly promises: RebootPromises;
  readonly active: () => readonly Entry[];
  readonly view: (host: string) => HostView;
  readonly silent: () => number;
  /** Since when the host says that its proxies tell the edge not to send requests. */
  readonly drainingSince: (host: string) => Instant | undefined;
  readonly proven: () => Readonly<Record<string, string>>;
  /** Throws when nothing can be saved now. */
  readonly demandRoom: () => void;
  readonly onTurn: (event: NewEvent) => void;
}

/** Turns to reboot in one life of a coordinator: core decides, leases and drains are in the store, as those of the real one. */
export class SimTurns {
  readonly #ground: TurnGround;

  constructor(ground: TurnGround) {
    this.#ground = ground;
  }

  /** Somebody has a turn, or wants one. */
  get hasWork(): boolean {
    const { store, active } = this.#ground;
    return Object.keys(store.leases).length > 0 || active().some(({ rollout }) => rollout.kind === "reboot");
  }

  /** Does what is next about every turn; true when it did anything. */
  advance(): boolean {
    if (!this.hasWork) return false;
    const { store, active, history } = this.#ground;
    const wanted = turnsWanted(active());
    const hosts = new Set([...wanted.map(({ host }) => host), ...Object.keys(store.leases)]);
    let hasActed = false;
    for (const host of hosts) {
      const want = wanted.find((one) => one.host === host);
      const act = history.subject.planTurn(this.#input(host, want));
      if (act === undefined) continue;
      this.#ground.demandRoom();
      this.#carryOut(act, host);
      hasActed = true;
    }
    return hasActed;
  }

  /** How far the turns have come that a rollout asked for, by host. */
  turnsOf(entry: Pick<Entry, "rollout" | "state">): Readonly<Record<string, RebootTurn>> {
    const { describeTurn } = this.#ground.history.subject;
    const asked = turnsAsked(entry);
    return Object.fromEntries(asked.map((wanted) => [wanted.host, describeTurn(this.#input(wanted.host, wanted))]));
  }

  drained(): readonly DrainedHost[] {
    const { store, history } = this.#ground;
    return Object.values(store.drains).map(({ host, by, reason }) => {
      const sites = sitesOf(history.options).map((site) => siteIn(site, this.#environmentOf(host)));
      return { host, by, reason, sites };
    });
  }

  orderOf(host: string): RebootOrder | undefined {
    const { store, active } = this.#ground;
    return rebootOrderOf(store.leases[host], active());
  }

  /** An operator's word on hosts that nobody waits for any more: refused while a rollout wants the turn. */
  undrainForgotten(): void {
    const { store, active } = this.#ground;
    const wanted = new Set(turnsWanted(active()).map(({ host }) => host));
    for (const { host } of Object.values(store.drains)) {
      if (wanted.has(host) || !this.#isLate(host)) continue;
      this.#ground.history.trace.add(`operator: undrains ${host}`);
      this.#ground.history.trace.count("undrained by hand");
      this.#end(host, "loses its turn to reboot: undrained by operator");
    }
  }

  #isLate(host: string): boolean {
    const { store, history } = this.#ground;
    const { grantedAt } = store.leases[host] ?? {};
    return grantedAt !== undefined && history.time.now - grantedAt > lateMs;
  }

  #environmentOf(host: string): string {
    return this.#ground.places.find(({ name }) => name === host)?.environment ?? "";
  }

  #input(host: string, wanted: TurnWanted | undefined): TurnInput {
    const { store, view, history } = this.#ground;
    const { now } = history.time;
    const seen = view(host);
    const lease = store.leases[host];
    return {
      now,
      wanted,
      lease,
      obstacle: wanted && history.subject.rebootObstacle(this.#obstacles(host, wanted.rollout)),
      drain: this.#drainOf(host, seen),
      boot: seen.observation?.boot,
      upToDate: seen.upToDate === true,
      returned: this.#returned(host, lease, seen),
    };
  }

  #drainOf(host: string, { connected, observation }: HostView): DrainState | undefined {
    const order = this.#ground.store.drains[host];
    if (order === undefined) return undefined;
    const { history, drainingSince } = this.#ground;
    const seen = { now: history.time.now, connected, obeyedSince: drainingSince(host), open: observation?.drain?.open };
    return judgeDrain(order, seen);
  }

  /** The gates of a rollout have judged freezes and windows before its wave began. */
  #obstacles(host: string, rollout: string): RebootObstacles {
    const { gates, places, silent, view, store, history } = this.#ground;
    const lease = store.leases[host];
    const holder = lease === undefined ? this.#busyWith(host, rollout) : lease.client;
    const found = {
      halted: gates.haltAll && haltAllWords(gates.haltAll),
      blind: blindness({ fleet: { hosts: places.length, silent: silent() } })?.sentence,
      host_silent: view(host).connected ? undefined : `${host} is silent: its agent does not report`,
      rollout_busy:
        holder === undefined || holder === rollout ? undefined : `${host} is in the hands of rollout ${holder}`,
      site_busy: this.#siteBusy(host, rollout),
    };
    const sentences = Object.fromEntries(Object.entries(found).filter(([, sentence]) => sentence !== undefined));
    return { now: history.time.now, host, leases: Object.values(store.leases), sentences };
  }

  #busyWith(host: string, rollout: string): string | undefined {
    const others = this.#ground.active().filter((one) => one.rollout.id !== rollout);
    return others.find(({ rollout: other, state }) =>
      Object.keys(busyUnits(other, state)).some((key) => key.startsWith(hostUnit(host, ""))),
    )?.rollout.id;
  }

  /** Every host of an environment has every site, so that all of them share some. */
  #siteBusy(host: string, rollout: string): string | undefined {
    const { places, store, view } = this.#ground;
    const environment = this.#environmentOf(host);
    const peers = places.filter((one) => one.environment === environment && one.name !== host).map(({ name }) => name);
    const turning = peers.find((name) => store.leases[name] !== undefined && isOut(store.leases[name]));
    if (turning !== undefined) return `${turning} of the same site has its turn to reboot`;
    const silent = peers.find((name) => !view(name).connected);
    if (silent !== undefined) return `${silent} of the same site is silent`;
    return this.#shortage(peers, environment, rollout);
  }

  #shortage(peers: readonly string[], environment: string, except: string): string | undefined {
    const { store, active, history } = this.#ground;
    const { maxUnavailable } = history.options;
    const others = active().filter(({ rollout }) => rollout.id !== except);
    const drained = peers.filter((name) => store.drains[name] !== undefined);
    for (const site of sitesOf(history.options)) {
      const key = siteIn(site, environment);
      const held = others.flatMap(({ rollout, state }) => unavailableHosts(rollout, state)[key] ?? []);
      const away = new Set([...drained, ...held.filter((name) => peers.includes(name))]);
      if (away.size >= maxUnavailable) return `${[...away].join(", ")} of ${site} is unavailable already`;
    }
    return undefined;
  }

  #returned(host: string, lease: RebootLease | undefined, { connected, observation }: HostView) {
    const { history, store } = this.#ground;
    const running = new Map(observation?.units.map((one) => [one.unit as string, one.running?.digest]));
    const proven = Object.entries(store.proven[host] ?? {});
    const notRunning = proven.filter(([unit, digest]) => running.get(unit) !== digest).map(([unit]) => unit);
    const isLooking = lease?.grantedAt !== undefined && connected && notRunning.length === 0;
    const since = Math.max(lease?.grantedAt ?? 0, observation?.agent.startedAt ?? 0);
    const unhealthy = isLooking ? this.#unhealthy(host, since) : [];
    const found: Omit<ReturnSeen, "notRebooted"> = { now: history.time.now, connected, notRunning, unhealthy };
    return found;
  }

  /** Ways into the host that have not answered well since then. */
  #unhealthy(host: string, since: number): readonly string[] {
    const { store, history } = this.#ground;
    const rounds = (store.rounds[host] ?? []).filter(({ round }) => round >= since);
    return sitesOf(history.options).flatMap((site) =>
      dutiesOf(site).bindings.flatMap(({ name, shared }) => {
        const hop = shared ? "front" : "proxy";
        const answers = rounds.flatMap((one) => one.answers[site] ?? []).filter(isOfWay(name, hop));
        return answers.at(-1)?.outcome.kind === "good" ? [] : [`${name} via ${hop} has not answered well since`];
      }),
    );
  }

  #carryOut(act: TurnAct, host: string): void {
    const { store, history, promises, onTurn } = this.#ground;
    const { now } = history.time;
    history.trace.add(`${host}: turn to reboot: ${act.kind}`);
    if (act.kind === "begin") {
      this.#begin(act.wanted);
      return;
    }
    const lease = store.leases[host];
    if (lease?.order === undefined) return;
    if (act.kind === "let-go") {
      promises.letsGo(host, lease.order.id, act.bootId);
      store.leases[host] = { ...lease, order: { ...lease.order, bootId: act.bootId }, grantedAt: now };
      onTurn(turnEvent(lease, "granted", now));
    } else if (act.kind === "back") {
      promises.isBack(host);
      history.trace.count("reboot done");
      if (lease.drains) delete store.drains[host];
      store.leases[host] = { ...lease, backAt: now, drains: false };
      onTurn(turnEvent(lease, "back", now));
    } else this.#end(host, act.why);
  }

  #begin({ host, rollout, order }: TurnWanted): void {
    const { store, history, onTurn } = this.#ground;
    const at = history.time.now;
    const drains = store.drains[host] === undefined;
    const lease: RebootLease = { host, client: rollout, group: "rollout", order: { id: order }, at, drains };
    const reason = `its turn to reboot by rollout ${rollout}`;
    store.leases[host] = lease;
    if (drains)
      store.drains[host] = { host, by: "coordinator", reason, at, noticeMs: drainNoticeMs, limitMs: drainLimitMs };
    onTurn(turnEvent(lease, "asked", at));
  }

  #end(host: string, why: string): void {
    const { store, history, promises, onTurn } = this.#ground;
    const lease = store.leases[host];
    if (lease === undefined) return;
    promises.hasEnded(host, lease);
    delete store.leases[host];
    if (lease.drains) delete store.drains[host];
    if (isOut(lease)) {
      history.trace.count("turn ended unused");
      onTurn(turnEvent(lease, "ended", history.time.now, why));
    }
  }
}

/** Longer than a host may take to come back. */
const lateMs = 16 * 60_000;

const isOfWay =
  (name: string, way: string) =>
  ({ binding, hop, outcome }: Asked): boolean =>
    binding === name && hop === way && outcome.kind !== "unknown";
