import type {
  AgentSeen,
  CertificateSet,
  Instant,
  ObservedHost,
  ProxySeen,
  SlotName,
  SlotSeen,
  SlotTable,
  UnitKey,
  UnitRelease,
} from "@sluice/core";

import type { Kept, OwnProgramSeen } from "@sluice/core/activation/observed-host";
import { isPresenter } from "./simulated-fleet.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A copy of a site, as the keeper runs it. */
export interface SlotProcess extends Writable<SlotSeen> {
  /** When it answers its readiness path; never for one that dies while starting. */
  readyAt: number;
  /** When users first reached it. */
  liveSince?: number;
}

/** A site proxy or front, as the keeper runs it. `isUp` is false while the keeper is about to start it again. */
export interface ProxyProcess extends Omit<Writable<ProxySeen>, "open"> {
  isUp: boolean;
  /** Ways to site proxies that accept nobody yet, by site. */
  readonly routesBeforeAccept: Readonly<Record<string, string>>;
  /** Connections that stay on a slot after others have been led elsewhere. */
  lingers: { readonly slot: SlotName; readonly since: number; readonly until: number }[];
  drainsUntil?: number;
}

/** The way of a user's request through a host. */
export interface Way {
  readonly front?: ProxyProcess;
  readonly proxy: ProxyProcess;
  /** Absent: the proxy holds requests, or leads to an address where nothing is. */
  readonly slot?: SlotProcess;
}

/**
 * What runs on a host: the keeper's children and what is on disk, without any opinion. Orders take effect here at once;
 * delays, failures and lost answers are the business of whoever gives them.
 */
export class SimMachine {
  slots: SlotProcess[] = [];
  proxies: ProxyProcess[] = [];
  installed = new Set<string>();
  /** What says of itself which program it is. */
  programs: { readonly agent?: AgentSeen; readonly keeper?: OwnProgramSeen } = {};
  /** What lies in the files of certificates; absent: nothing presents any. */
  files: { readonly pairs: CertificateSet; readonly since: Instant } | undefined;
  /** Grows with every start of the host. */
  boot = 1;
  /** Grows with every change: what was derived from the processes is good for as long as it stays. */
  changes = 0;
  #pid = 1;
  /** Good until a process changes, or users who stayed leave it. */
  #seen: { readonly at: number; readonly until: number; readonly host: ObservedHost } | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  changed(): void {
    this.changes++;
  }

  /** What an agent is told that asks every process; one that is down does not answer. */
  look(): ObservedHost {
    this.#endDrained();
    const now = this.#now();
    if (this.#seen?.at === this.changes && now < this.#seen.until) return this.#seen.host;
    const { keeper, ...programs } = this.programs;
    const host: ObservedHost = {
      ...programs,
      ...(keeper === undefined ? {} : { keeper: { ...keeper, kept: this.#kept() } }),
      installed: [...this.installed],
      slots: this.slots.map(({ readyAt: _, liveSince: __, ...seen }) => seen),
      proxies: this.proxies
        .filter(({ isUp }) => isUp)
        .map(({ isUp: _, routesBeforeAccept: __, lingers: open, drainsUntil: ___, ...seen }) => ({
          ...seen,
          open: { blue: countOpen(open, "blue", now), green: countOpen(open, "green", now) },
        })),
      silent: this.proxies
        .filter(({ isUp, draining }) => !isUp && !draining)
        .map(({ unit, childId }) => ({ unit, childId, isDown: true })),
    };
    const leaves = this.proxies.flatMap(({ lingers }) => lingers.map(({ until }) => until).filter((at) => at > now));
    this.#seen = { at: this.changes, until: Math.min(...leaves, Number.POSITIVE_INFINITY), host };
    return host;
  }

  /** What the keeper holds for its successor. */
  #kept(): Kept {
    const slots = this.slots
      .filter(({ alive }) => alive)
      .map(({ site, slot, pid }) => [`${site}-${slot}`, pid] as const);
    const proxies = this.proxies.filter(({ isUp }) => isUp).map(({ childId, pid }) => [childId, pid] as const);
    return { sockets: ["web"], children: Object.fromEntries([...slots, ...proxies]) };
  }

  #endDrained(): void {
    const now = this.#now();
    const isOver = ({ drainsUntil, lingers }: ProxyProcess): boolean =>
      drainsUntil !== undefined && (now >= drainsUntil || !lingers.some(({ until }) => until > now));
    if (!this.proxies.some(isOver)) return;
    this.proxies = this.proxies.filter((one) => !isOver(one));
    this.changed();
  }

  slotOf(site: string, slot: SlotName): SlotProcess | undefined {
    return this.slots.find((seen) => seen.site === site && seen.slot === slot);
  }

  proxyOf(childId: string): ProxyProcess | undefined {
    return this.proxies.find((seen) => seen.childId === childId);
  }

  /** The processes of a unit that hold its listening sockets and take new users. */
  accepting(unit: UnitKey): readonly ProxyProcess[] {
    return this.proxies.filter((seen) => seen.unit === unit && seen.accepting && !seen.draining);
  }

  /** Every way that a new user of the site may go; behind a front they all start there. */
  ways(site: string): readonly Way[] {
    const behind = this.accepting(`proxy:${site}`).map((proxy) => this.wayBehind(site, proxy));
    const fronts = this.accepting("front");
    return fronts.length === 0 ? behind : fronts.flatMap((front) => behind.map((way) => ({ ...way, front })));
  }

  wayBehind(site: string, proxy: ProxyProcess): Way {
    const { live } = proxy.slots;
    const told = live === "hold" ? undefined : proxy.slots[live];
    const slot = this.slots.find((seen) => seen.site === site && seen.target.port === told?.port);
    return slot === undefined || slot.digest !== told?.release ? { proxy } : { proxy, slot };
  }

  startSlot(site: string, slot: SlotName, { digest, version }: UnitRelease, readyAt: number): SlotProcess {
    const running = this.slotOf(site, slot);
    if (running?.digest === digest) return running;
    this.slots = this.slots.filter((seen) => seen !== running);
    const pid = ++this.#pid;
    const started: SlotProcess = {
      site,
      slot,
      digest,
      version,
      target: { host: "127.0.0.1", port: 4000 + pid, release: digest },
      pid,
      startedAtMs: this.#now(),
      alive: true,
      restarts: 0,
      readyAt,
    };
    this.slots.push(started);
    this.changed();
    return started;
  }

  stopSlot(site: string, slot: SlotName): void {
    this.slots = this.slots.filter((seen) => seen.site !== site || seen.slot !== slot);
    this.changed();
  }

  startProxy(
    unit: UnitKey,
    { digest }: UnitRelease,
    slots: SlotTable,
    routesBeforeAccept: ProxyProcess["routesBeforeAccept"] = {},
    certificates = isPresenter(unit) ? this.files?.pairs : undefined,
  ): ProxyProcess {
    const pid = ++this.#pid;
    const started: ProxyProcess = {
      unit,
      childId: `${unit.replace(":", "-")}-${pid}`,
      digest,
      build: "1",
      pid,
      startedAtMs: this.#now(),
      isUp: true,
      accepting: false,
      draining: false,
      slots,
      remarks: [],
      routesBeforeAccept,
      lingers: [],
      ...(certificates === undefined ? {} : { certificates }),
    };
    this.proxies.push(started);
    this.changed();
    return started;
  }

  /** Some users stay on the slot they came to for `lingerMs`. */
  putSlots(proxy: ProxyProcess, slots: SlotTable, lingerMs: number): void {
    const before = proxy.slots.live;
    if (proxy.accepting && before !== "hold" && before !== slots.live) this.#linger(proxy, before, lingerMs);
    proxy.slots = slots;
    this.changed();
  }

  /** Users reach it from now on, unless they did before. */
  meetUsers(slot: SlotProcess): void {
    if (slot.liveSince !== undefined) return;
    slot.liveSince = this.#now();
    this.changed();
  }

  accept(proxy: ProxyProcess): void {
    proxy.accepting = true;
    this.changed();
  }

  drain(proxy: ProxyProcess, limitMs: number, lingerMs: number): void {
    if (proxy.draining) return;
    if (proxy.slots.live !== "hold") this.#linger(proxy, proxy.slots.live, lingerMs);
    proxy.draining = true;
    proxy.drainsUntil = this.#now() + limitMs;
    this.changed();
  }

  #linger(proxy: ProxyProcess, slot: SlotName, lingerMs: number): void {
    const now = this.#now();
    if (lingerMs > 0) proxy.lingers = [...proxy.lingers, { slot, since: now, until: now + lingerMs }];
  }

  removeProxy(proxy: ProxyProcess): void {
    this.proxies = this.proxies.filter((seen) => seen !== proxy);
    this.changed();
  }

  install(digest: string): void {
    if (this.installed.has(digest)) return;
    this.installed.add(digest);
    this.changed();
  }

  /** The keeper starts a process again with exactly its command; a proxy then resumes what its own state says, and what it presents. */
  respawn(process: SlotProcess | ProxyProcess): void {
    process.pid = ++this.#pid;
    process.startedAtMs = this.#now();
    if ("isUp" in process) {
      process.isUp = true;
      process.lingers = [];
    } else process.alive = true;
    this.changed();
  }

  /** Every process ends, and the next keeper starts nothing by itself: none of them survived. */
  powerCut(): void {
    this.boot++;
    this.slots = [];
    this.proxies = [];
    this.programs = {};
    this.changed();
  }
}

export const countOpen = (lingers: ProxyProcess["lingers"], slot: SlotName, now: number): number =>
  lingers.filter((one) => one.slot === slot && one.until > now).length;
