import {
  canonicalJson,
  type HostTidings,
  type NewEvent,
  observationEvents,
  sightEvents,
  silenceEvents,
  type ToldHost,
} from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { appendEvent } from "../store/event-log.ts";
import { readFlag, writeFlag } from "../store/meta.ts";
import type { Store } from "../store/store.ts";
import { readToldHosts, writeToldHost } from "../store/told.ts";
import { awayNow, fleetSight } from "./fleet-sight.ts";
import type { Roster } from "./roster.ts";

export interface HostWatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly fleets: FleetDesk;
  readonly roster: Roster;
  readonly heartbeatMs: number;
}

/** What is told of is days ahead. */
const ageEveryMs = 60_000;

interface Tidings {
  readonly hosts: ReadonlyMap<string, HostTidings>;
  readonly fleet: readonly NewEvent[];
  readonly blind: boolean;
}

/**
 * Puts into the event log what changes on hosts by itself: silence, processes started again, drift, remarks, and that
 * the coordinator has lost sight of too many at once. What it told is kept with the events, so that whatever happened
 * while no coordinator ran is told by the next one, once.
 */
export class HostWatch {
  readonly #options: HostWatchOptions;
  readonly #told: Map<string, ToldHost>;
  readonly #spoke = new Set<string>();
  readonly #startedAt: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #agedAt = Number.NEGATIVE_INFINITY;
  #isBlind: boolean;

  constructor(options: HostWatchOptions) {
    this.#options = options;
    this.#told = new Map(readToldHosts(options.store));
    this.#isBlind = readFlag(options.store, "blind") !== undefined;
    this.#startedAt = options.clock.monotonic();
  }

  /** What the log says of each host, as of the last look. */
  get told(): ReadonlyMap<string, ToldHost> {
    return this.#told;
  }

  /** The log says that too many hosts are silent at once. */
  get isBlind(): boolean {
    return this.#isBlind;
  }

  /** A host has said something new; it is looked at with the next {@link look}. */
  heard(host: string): void {
    this.#spoke.add(host);
  }

  /** Tells what has changed since the last look, in one transaction; throws what the store throws, and tells it later. */
  look(): void {
    const now = this.#options.clock.monotonic();
    const isDue = now - this.#lookedAt >= this.#options.heartbeatMs;
    this.#age(now);
    const tidings = this.#tidings(isDue);
    const events = [...[...tidings.hosts.values()].flatMap((one) => one.events), ...tidings.fleet];
    const changed = [...tidings.hosts].filter(([host, { told }]) => this.#told.get(host) !== told);
    if (changed.length > 0 || events.length > 0) this.#save(tidings, changed, events);
    this.#spoke.clear();
    this.#isBlind = tidings.blind;
    if (isDue) this.#lookedAt = now;
  }

  /** Certificates come near their end without anybody's saying anything. */
  #age(now: number): void {
    if (now - this.#agedAt < ageEveryMs) return;
    this.#agedAt = now;
    for (const [host, { certificates = [] }] of this.#told) {
      if (certificates.length > 0 && this.#options.roster.find(host).connected) this.#spoke.add(host);
    }
  }

  #save({ blind }: Tidings, changed: readonly (readonly [string, HostTidings])[], events: readonly NewEvent[]): void {
    const { store, log } = this.#options;
    store.transact((db) => {
      for (const [host, { told }] of changed) writeToldHost(db, host, told);
      writeFlag(db, "blind", blind ? "yes" : undefined);
      for (const event of events) appendEvent(db, event);
    });
    for (const [host, { told }] of changed) this.#told.set(host, told);
    for (const { kind, host, sentence } of events) log.info({ host, sentence }, kind);
  }

  /** With `isDue`, also who is silent: once a heartbeat is often enough for a large fleet. */
  #tidings(isDue: boolean): Tidings {
    const hosts = new Map<string, HostTidings>();
    for (const host of this.#spoke) {
      const { observation } = this.#options.roster.find(host);
      if (observation !== undefined) hosts.set(host, this.#observed(host, observation));
    }
    return { hosts, ...(isDue ? this.#silences(hosts) : { fleet: [], blind: this.#isBlind }) };
  }

  #observed(host: string, observation: Parameters<typeof observationEvents>[0]): HostTidings {
    const before = this.#told.get(host);
    const tidings = observationEvents(observation, before, this.#options.clock.now());
    const same = before !== undefined && canonicalJson(before) === canonicalJson(tidings.told);
    return same ? { events: tidings.events, told: before } : tidings;
  }

  /** After a start nobody has spoken yet, and that is no silence. */
  #silences(hosts: Map<string, HostTidings>): Pick<Tidings, "fleet" | "blind"> {
    const { store, clock, roster, fleets } = this.#options;
    const isSettled = clock.monotonic() - this.#startedAt > roster.silentAfterMs;
    const names = fleets.applied?.fleet.hosts.map(({ name }) => name) ?? [];
    const away = awayNow(store, clock.now());
    for (const host of names) {
      const { connected } = roster.find(host);
      if (!connected && (!isSettled || away.has(host))) continue;
      const known = hosts.get(host);
      const found = silenceEvents(host, !connected, known?.told ?? this.#told.get(host), clock.now());
      if (found !== undefined) hosts.set(host, { ...found, events: [...found.events, ...(known?.events ?? [])] });
    }
    return isSettled ? this.#sight() : { fleet: [], blind: this.#isBlind };
  }

  #sight(): Pick<Tidings, "fleet" | "blind"> {
    const { store, clock, roster, fleets } = this.#options;
    const now = clock.now();
    const { events, blind } = sightEvents(fleetSight(store, fleets, roster, now), this.#isBlind, now);
    return { fleet: events, blind };
  }
}
