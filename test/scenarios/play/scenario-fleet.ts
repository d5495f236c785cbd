import {
  coordinatorStartedEvent,
  type DurationMs,
  durationMs,
  type Fleet,
  fenceAdoptedEvent,
  type GateState,
  type HostObservation,
  type Instant,
  type Intent,
  type PlanInput,
  type Rollout,
  refusesToLeadEvent,
  startEvents,
  type WaitingOn,
} from "@sluice/core";
import type { LateDecision, LateHost } from "@sluice/core/rollout/judge-late-host";
import { hostUnit } from "@sluice/core/rollout/wave";
import { type History, Trace } from "../../simulation/history.ts";
import type { Behaviour, HistoryOptions } from "../../simulation/history-options.ts";
import { createPrng } from "../../simulation/prng.ts";
import type { ProgramBehaviour } from "../../simulation/program-behaviour.ts";
import { Promises } from "../../simulation/promises.ts";
import { beatMs, type Report } from "../../simulation/report.ts";
import { SimCoordinator } from "../../simulation/sim-coordinator.ts";
import { SimHost } from "../../simulation/sim-host.ts";
import type { PairBehaviour } from "../../simulation/sim-pairs.ts";
import { firstUnitsOf, placesOf } from "../../simulation/simulated-fleet.ts";
import { copyOf, freshStore, type Place, type Store } from "../../simulation/store.ts";
import { subject as realSubject, type Subject } from "../../simulation/subject.ts";
import { isOut, isOver } from "../../simulation/unsettled.ts";
import { VirtualTime } from "../../simulation/virtual-time.ts";
import { EventBook } from "./event-book.ts";
import { ScenarioGates } from "./scenario-gates.ts";

export interface FleetShape {
  readonly options: HistoryOptions;
  readonly startsAt: Instant;
  readonly zone: string;
  readonly fleetOf: (places: readonly Place[]) => Fleet;
}

/** What the newest plan of a rollout looked at, and why it does not move. */
export interface Planned {
  readonly input: PlanInput;
  readonly waitingOn: readonly WaitingOn[];
  readonly gates: readonly GateState[];
}

/** What a coordinator keeps: a backup is a copy of both. */
interface Kept {
  readonly store: Store;
  readonly book: EventBook;
}

/** Hosts stay unheard for so long before they count as silent, as in the simulated coordinator. */
const silentAfterMs = 3 * beatMs;

/** A simulated fleet that does what a script says and nothing else; every promise is checked on the way. */
export class ScenarioFleet implements History {
  readonly options: HistoryOptions;
  readonly zone: string;
  readonly subject: Subject;
  readonly time = new VirtualTime();
  readonly prng = createPrng(1);
  readonly trace = new Trace(false, () => this.time.now);
  readonly behaviours = new Map<string, Behaviour>();
  readonly programs = new Map<string, ProgramBehaviour>();
  readonly pairs = new Map<string, PairBehaviour>();
  readonly calm = false;
  readonly isStoreFull = false;
  readonly places: readonly Place[];
  readonly gates: ScenarioGates;
  readonly promises: Promises;
  readonly hosts: readonly SimHost[];
  readonly cut = new Set<string>();
  readonly outages = new Set<string>();
  /** The first word of a coordinator that each host was sent. */
  readonly firstIntents = new Map<string, Intent>();
  readonly planned = new Map<string, Planned>();
  /** By host: how long its reboot takes. */
  readonly rebootMs = new Map<string, number>();
  readonly #settled = new Set<string>();
  readonly #heardAt = new Map<string, Instant>();
  readonly observations = new Map<string, HostObservation>();
  #book = new EventBook();
  #coordinator: SimCoordinator;
  #lives = 0;
  #leadsSince: Instant;
  #refusal: string | undefined;
  #backup: Kept | undefined;
  readonly #talksTo = new Map<string, number>();

  constructor({ options, startsAt, zone, fleetOf }: FleetShape) {
    this.options = options;
    this.zone = zone;
    this.time.runUntil(startsAt, () => false);
    this.places = placesOf(options);
    this.gates = new ScenarioGates(options, startsAt, fleetOf(this.places));
    this.promises = new Promises(this, this.gates, () => this.hosts);
    this.subject = this.#witnessed();
    this.hosts = this.places.map((place) => this.#host(place));
    const units = Object.fromEntries(firstUnitsOf(options).map(({ unit, digest }) => [unit, digest]));
    const proven = Object.fromEntries(this.places.map(({ name }) => [name, { ...units }]));
    const store = freshStore(proven);
    this.#leadsSince = startsAt;
    this.#coordinator = this.#lead({ store, book: this.#book }, { isBackup: false, adopts: false });
    for (const host of this.hosts) host.begin(firstUnitsOf(options));
    this.#tickLater();
    this.advance(2 * silentAfterMs, () => false);
    this.#book.events.length = 0;
  }

  get store(): Store {
    return this.#coordinator.store;
  }

  get book(): EventBook {
    return this.#book;
  }

  /** Why nothing can be decided or commanded now; undefined in good order. */
  get standstill(): string | undefined {
    return this.#coordinator.isAlive ? this.#refusal : "the coordinator is away";
  }

  get coordinator(): SimCoordinator {
    return this.#coordinator;
  }

  /** The decisions of a real history, each of which is also told in the log. */
  #witnessed(): Subject {
    return {
      ...realSubject,
      planRollout: (input) => {
        const plan = realSubject.planRollout(input);
        this.planned.set(input.rollout.id, { input, waitingOn: plan.waitingOn, gates: plan.gates ?? [] });
        this.#book.planned(input, plan);
        return plan;
      },
      judgeLateHost: (late) => {
        const decision = realSubject.judgeLateHost(late);
        if (decision.kind !== "wait") this.#settleLate(late, decision);
        return decision;
      },
      judgeLead: (own, host, memory) => {
        const verdict = realSubject.judgeLead(own, host, memory);
        if (verdict.kind === "behind" && this.#refusal === undefined && !this.#coordinator.adopts) {
          const event = refusesToLeadEvent(verdict.sentence, host, {}, this.time.now);
          this.#refusal = event.sentence;
          this.#book.add(event);
        }
        return verdict;
      },
    };
  }

  /** Said once of each host that a rollout skipped: it follows, or is left behind and why. */
  #settleLate({ rollout, host }: LateHost, decision: LateDecision): void {
    const key = `late ${rollout.id} ${host}`;
    if (this.#settled.has(key)) return;
    this.#settled.add(key);
    if (decision.kind !== "drop") return;
    const sentence = `${host} was away when ${rollout.title} passed, and does not follow: ${decision.why}`;
    this.#book.add({
      at: this.time.now,
      kind: "host.left-behind",
      by: "coordinator",
      rollout: rollout.id,
      host,
      sentence,
    });
    this.#restoreDesired(rollout, (one) => one !== host);
  }

  #host(place: Place): SimHost {
    return new SimHost(this, this.promises, place, {
      send: (report) => this.#toCoordinator(report),
      isOver: (rollout) => this.#isStepOver(rollout, place.name),
      isInTouch: () => this.#coordinator.isAlive && !this.cut.has(place.name),
      rebootMs: () => this.rebootMs.get(place.name) ?? 0,
    });
  }

  #isStepOver(rollout: string, host: string): boolean {
    const found = this.store.rollouts.find((one) => one.rollout.id === rollout);
    const step = found?.state.steps[host];
    return !this.#coordinator.isBackup && step !== undefined && !isOut(step);
  }

  #lead(kept: Kept, given: { readonly isBackup: boolean; readonly adopts: boolean }): SimCoordinator {
    const life = ++this.#lives;
    this.#leadsSince = this.time.now;
    this.#refusal = undefined;
    this.#book = kept.book;
    const lead = new SimCoordinator(
      this,
      this.promises,
      this.places,
      this.gates,
      { ...given, store: kept.store, heartbeatMs: 1000, onTurn: (event) => kept.book.add(event) },
      (host, intent) => this.#toHost(host, intent, life, given.isBackup),
    );
    this.#book.add(coordinatorStartedEvent(kept.store.fence, this.time.now));
    if (given.adopts) this.#book.add(fenceAdoptedEvent(kept.store.fence, this.time.now));
    return lead;
  }

  #tickLater(): void {
    this.time.after(1000, () => {
      this.#coordinator.tick();
      if (this.standstill === undefined) this.#watch();
      this.#tickLater();
    });
  }

  /** What a coordinator does besides planning: it sees who is silent, and wants no longer what a rollout gave up. */
  #watch(): void {
    const { now } = this.time;
    if (now - this.#leadsSince > silentAfterMs) {
      const silent = this.places.filter(({ name }) => now - (this.#heardAt.get(name) ?? 0) > silentAfterMs);
      this.#book.sight(
        silent.map(({ name }) => name),
        this.places.map(({ name }) => name),
        now,
      );
    }
    for (const entry of this.store.rollouts) this.#settleDesired(entry);
    for (const { rollout } of this.store.rollouts) this.#tellStarted(rollout);
  }

  /** Operators tell of what they start; this is what the coordinator starts by itself. */
  #tellStarted(rollout: Rollout): void {
    if (rollout.by !== "coordinator" || this.#settled.has(`started ${rollout.id}`)) return;
    this.#settled.add(`started ${rollout.id}`);
    this.#book.add(...startEvents(rollout, this.time.now));
  }

  /** Once a rollout has ended, what it did not bring to a host is wanted there no longer. */
  #settleDesired({ rollout, state }: Store["rollouts"][number]): void {
    if (this.#settled.has(rollout.id) || !isOver(state.phase) || Object.values(state.steps).some(isOut)) return;
    this.#settled.add(rollout.id);
    const isLate = (host: string): boolean => state.phase === "completed" && state.steps[host]?.kind === "skipped";
    this.#restoreDesired(rollout, (host) => state.steps[host]?.kind === "passed" || isLate(host));
    this.#coordinator.changeAll(() => undefined);
  }

  #restoreDesired(rollout: Rollout, isLeftOut: (host: string) => boolean): void {
    for (const { host, units } of rollout.stages.flatMap(({ waves }) => waves.flat())) {
      if (isLeftOut(host)) continue;
      for (const { unit, to } of units) {
        const proven = this.store.proven[host]?.[unit];
        if (this.store.desired[host]?.[unit] !== to || proven === undefined) continue;
        this.store.desired[host] = { ...this.store.desired[host], [unit]: proven };
      }
    }
  }

  #carry(host: string, deliver: () => void): void {
    if (!this.cut.has(host)) this.time.after(this.prng.whole(1, this.options.delayMs), deliver);
  }

  #toHost(name: string, intent: Intent, life: number, isBackup: boolean): void {
    const host = this.hosts.find((one) => one.name === name);
    if (!this.firstIntents.has(name)) this.firstIntents.set(name, structuredClone(intent));
    this.#carry(name, () => {
      if (life >= (this.#talksTo.get(name) ?? 0)) host?.receive(intent, isBackup, false);
    });
  }

  #toCoordinator(report: Report): void {
    const to = this.#coordinator;
    const { host } = report.observation;
    this.#talksTo.set(host, this.#lives);
    this.#carry(host, () => {
      if (!to.isAlive) return;
      to.receive(report);
      this.#heardAt.set(host, this.time.now);
      this.observations.set(host, report.observation);
      if (this.#refusal === undefined) this.#book.heard(report.observation, this.time.now);
    });
  }

  /** Lets time pass, until `stop` says that something has come. */
  advance(ms: number, stop: () => boolean): void {
    this.time.runUntil(this.time.now + ms, stop);
  }

  killCoordinator(): void {
    this.#coordinator.isAlive = false;
  }

  /** The next life of the same coordinator, on what the last one kept. */
  startCoordinator(): void {
    const { isBackup, adopts } = this.#coordinator;
    this.#coordinator = this.#lead({ store: copyOf(this.store), book: this.#book }, { isBackup, adopts });
  }

  takeBackup(): void {
    this.#backup = { store: copyOf(this.store), book: this.#book.copy() };
  }

  /** The backup is started in the coordinator's place, which is gone. */
  restoreBackup(): boolean {
    if (this.#backup === undefined) return false;
    this.killCoordinator();
    this.#coordinator = this.#lead(this.#backup, { isBackup: true, adopts: false });
    return true;
  }

  /** An operator's word that this store is the right one. */
  adopt(): void {
    this.killCoordinator();
    const kept = { store: copyOf(this.store), book: this.#book };
    this.#coordinator = this.#lead(kept, { isBackup: false, adopts: true });
  }

  /** What is proven now by `host/unit`. */
  get proven(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.entries(this.store.proven).flatMap(([host, units]) =>
        Object.entries(units).map(([unit, digest]) => [hostUnit(host, unit), digest] as const),
      ),
    );
  }

  silentFor(host: string): DurationMs {
    return durationMs(this.time.now - (this.#heardAt.get(host) ?? this.time.now));
  }

  isConnected(host: string): boolean {
    return this.#coordinator.isAlive && this.time.now - (this.#heardAt.get(host) ?? 0) <= silentAfterMs;
  }
}
