import {
  type Fleet,
  freedFromHaltAll,
  heldByHaltAll,
  type Intent,
  type OperatorVerb,
  type ProgramUnit,
} from "@sluice/core";
import { placedSteps } from "@sluice/core/rollout/wave";
import { giveBehaviour } from "./give-behaviour.ts";
import { type History, Trace, Violation } from "./history.ts";
import type { Behaviour, HistoryOptions } from "./history-options.ts";
import { createPrng, type Prng } from "./prng.ts";
import { badProgramsOf, type ProgramBehaviour } from "./program-behaviour.ts";
import { Promises } from "./promises.ts";
import type { Report } from "./report.ts";
import { SimCoordinator } from "./sim-coordinator.ts";
import { SimGates } from "./sim-gates.ts";
import { SimHost } from "./sim-host.ts";
import { badPairs, type PairBehaviour } from "./sim-pairs.ts";
import {
  type Extent,
  firstUnitsOf,
  fleetOf,
  placesOf,
  rebootOf,
  renewalOf,
  rolloutOf,
  sitesOf,
  unitsOf,
} from "./simulated-fleet.ts";
import { copyOf, freshStore, type Place, type Store } from "./store.ts";
import type { Subject } from "./subject.ts";
import { disputedUnits, isMoving, isOut, isOver, unsettled } from "./unsettled.ts";
import { VirtualTime } from "./virtual-time.ts";

/** How long a fleet without faults may take until everything has ended and every host runs what is proven. */
const livenessMs = 40 * 60_000;

/** When somebody first looks at what waits for a person once nothing breaks any more, and how often after that. */
const attendsAfterMs = 60_000;
const attendsEveryMs = 30_000;

/** The fleet, the network, the coordinator's lives and everybody who meddles, of one seed. */
export class World implements History {
  readonly options: HistoryOptions;
  readonly subject: Subject;
  readonly time = new VirtualTime();
  readonly prng: Prng;
  readonly trace: Trace;
  readonly behaviours = new Map<string, Behaviour>();
  readonly programs = new Map<string, ProgramBehaviour>();
  readonly pairs = new Map<string, PairBehaviour>();
  calm = false;
  isStoreFull = false;
  readonly #places: readonly Place[];
  readonly #fleet: Fleet;
  readonly #promises: Promises;
  readonly #gates: SimGates;
  readonly #hosts: readonly SimHost[];
  readonly #cut = new Set<string>();
  /** Coordinator processes so far, and the one each host has its stream to. */
  #lives = 0;
  readonly #talksTo = new Map<string, number>();
  #coordinator: SimCoordinator;
  #snapshot: Store | undefined;
  #adopts = false;
  #deployments = 0;
  readonly #without: ReadonlySet<number>;
  /** How often fate or an operator had a turn. */
  acts = 0;

  constructor(options: HistoryOptions, subject: Subject, keepsTrace: boolean) {
    this.options = options;
    this.subject = subject;
    this.prng = createPrng(options.seed);
    this.#without = new Set(options.without);
    this.trace = new Trace(keepsTrace, () => this.time.now);
    this.#places = placesOf(options);
    this.#fleet = fleetOf(options, this.#places);
    this.#gates = new SimGates(options, this.time.now);
    this.#promises = new Promises(this, this.#gates, () => this.#hosts);
    this.#hosts = this.#places.map((place) => this.#host(place));
    const proven = Object.fromEntries(this.#places.map(({ name }) => [name, this.#firstPairs()]));
    const store = freshStore(proven);
    this.#coordinator = this.#lead(store, false);
  }

  get ended(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { state } of this.#coordinator.store.rollouts) counts[state.phase] = (counts[state.phase] ?? 0) + 1;
    return counts;
  }

  #firstPairs(): Record<string, string> {
    return Object.fromEntries(firstUnitsOf(this.options).map(({ unit, digest }) => [unit, digest]));
  }

  #host(place: Place): SimHost {
    return new SimHost(this, this.#promises, place, {
      send: (report) => this.#toCoordinator(report),
      isOver: (rollout) => this.#isStepOver(rollout, place.name),
      isInTouch: () => this.#coordinator.isAlive && !this.#cut.has(place.name),
      rebootMs: () => this.#rebootMs(),
    });
  }

  /** The coordinator holds this host's step for done with: a grant that begins now was thought to be withdrawn. */
  #isStepOver(rollout: string, host: string): boolean {
    const found = this.#coordinator.store.rollouts.find((one) => one.rollout.id === rollout);
    const step = found?.state.steps[host];
    return !this.#coordinator.isBackup && step !== undefined && !isOut(step);
  }

  #lead(store: Store, isBackup: boolean): SimCoordinator {
    const life = ++this.#lives;
    const given = { store, isBackup, adopts: this.#adopts };
    return new SimCoordinator(this, this.#promises, this.#places, this.#gates, given, (host, intent) =>
      this.#toHost(host, intent, { isBackup, life }),
    );
  }

  play(): void {
    const { faultsMs } = this.options;
    const start = this.time.now;
    for (const host of this.#hosts) host.begin(firstUnitsOf(this.options));
    this.#tickLater();
    this.#planFaults();
    this.time.runUntil(start + faultsMs, () => false);
    this.#beCalm();
    this.time.runUntil(start + faultsMs + livenessMs, () => this.#isAtRest());
    const left = this.#unsettled();
    if (left !== undefined) {
      this.trace.add(`BROKEN liveness: ${left}`);
      throw new Violation(`liveness: ${left}`);
    }
  }

  #lookedAt = 0;
  #isDone = false;

  /** Looked at once a second, and not for longer than something moves that is easily seen. */
  #isAtRest(): boolean {
    if (this.#isDone || this.time.now - this.#lookedAt < 1000) return this.#isDone;
    this.#lookedAt = this.time.now;
    this.#isDone = !isMoving(this.#coordinator.store) && this.#unsettled() === undefined;
    return this.#isDone;
  }

  #tickLater(): void {
    this.time.after(1000, () => {
      this.#coordinator.tick();
      if (!this.#coordinator.isAlive && !this.#isBeingReplaced) this.#replaceLater(this.prng.whole(1000, 30_000));
      this.#tickLater();
    });
  }

  #isBeingReplaced = false;

  /** A coordinator that can't write its fence does not lead. */
  #replaceLater(downMs: number): void {
    this.#isBeingReplaced = true;
    this.time.after(downMs, () => {
      if (this.isStoreFull) {
        this.#replaceLater(1000);
        return;
      }
      this.#isBeingReplaced = false;
      const { store, isBackup } = this.#coordinator;
      this.#coordinator = this.#lead(copyOf(store), isBackup);
    });
  }

  #killCoordinator(downMs: number): void {
    if (!this.#coordinator.isAlive) return;
    this.trace.add("coordinator is killed");
    this.#coordinator.isAlive = false;
    this.#replaceLater(downMs);
  }

  #carry(host: string, deliver: () => void): void {
    const { loss, repeat, delayMs } = this.options;
    const copies = !this.calm && this.prng.chance(repeat) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#cut.has(host) || (!this.calm && this.prng.chance(loss))) continue;
      this.time.after(this.prng.whole(1, this.calm ? 50 : delayMs), deliver);
    }
  }

  /** A stream ends with its coordinator: what was on the way still arrives until the host talks to the next one. */
  #toHost(name: string, intent: Intent, from: { readonly isBackup: boolean; readonly life: number }): void {
    const host = this.#hosts.find((one) => one.name === name);
    const snapshot = this.#snapshot;
    const isNewer =
      snapshot !== undefined &&
      !from.isBackup &&
      (intent.generation > (snapshot.issued[name]?.generation ?? 0) || intent.fence > snapshot.fence);
    this.#carry(name, () => {
      if (from.life >= (this.#talksTo.get(name) ?? 0)) host?.receive(intent, from.isBackup, isNewer);
    });
  }

  #toCoordinator(report: Report): void {
    const to = this.#coordinator;
    this.#talksTo.set(report.observation.host, this.#lives);
    this.#carry(report.observation.host, () => to.receive(report));
  }

  #planFaults(): void {
    const { options, prng } = this;
    this.#every(options.deployEveryMs, () => this.#deploy());
    this.#every(options.operatorEveryMs, () => this.#operate());
    this.#every(options.hastyEveryMs, () => this.#abortInHaste());
    this.#every(options.approval ? 60_000 : 0, () => this.#approveAll());
    this.#every(options.partitionEveryMs, () =>
      this.#partition(prng.pick(this.#hosts).name, prng.whole(5000, 180_000)),
    );
    this.#every(options.agentCrashEveryMs, () => prng.pick(this.#hosts).crash(prng.whole(500, 60_000)));
    this.#every(options.rebootEveryMs, () => prng.pick(this.#hosts).reboot(prng.whole(10_000, 90_000)));
    this.#every(options.processCrashEveryMs, () => prng.pick(this.#hosts).crashProcess());
    this.#every(options.coordinatorCrashEveryMs, () => this.#killCoordinator(prng.whole(500, 60_000)));
    this.#planGateOrders();
    this.#every(options.fullDiskEveryMs ?? 0, () => this.#fillDisk());
    this.#every(options.reboots?.everyMs ?? 0, () => this.#orderReboot());
    this.#every(options.programs?.everyMs ?? 0, () => this.#changePrograms("agent", options.programs?.bad ?? 0));
    this.#every(options.programs?.watchdogCrashEveryMs ?? 0, () =>
      prng.pick(this.#hosts).killWatchdog(prng.whole(500, 20_000)),
    );
    this.#every(options.keepers?.everyMs ?? 0, () => this.#changePrograms("keeper", options.keepers?.bad ?? 0));
    this.#every(options.keepers?.crashEveryMs ?? 0, () => prng.pick(this.#hosts).killKeeper());
    this.#every(options.renewals?.everyMs ?? 0, () => this.#renewPairs());
    if (options.longOutage)
      this.time.after(prng.whole(30_000, options.faultsMs), () => this.#killCoordinator(11 * 60_000));
    if (options.restoresBackup) this.time.after(prng.whole(20_000, options.faultsMs / 3), () => this.#takeBackup());
  }

  #fillDisk(): void {
    const { prng } = this;
    const ms = prng.whole(2000, 120_000);
    if (prng.chance(0.7)) {
      const host = prng.pick(this.#hosts);
      host.fillDisk(prng.pick(["everything", "everything", "ledger", "intent", "releases"]), ms);
      // Who can't write is most likely to die of it.
      if (prng.chance(0.5)) this.time.after(prng.whole(1000, ms), () => this.calm || host.crash(prng.whole(200, 5000)));
      return;
    }
    if (this.isStoreFull) return;
    this.trace.add("no room in the coordinator's store");
    this.isStoreFull = true;
    this.time.after(ms, () => {
      this.isStoreFull = false;
    });
  }

  /** Agents or keepers become another version everywhere, or are started again as they are. */
  #changePrograms(unit: ProgramUnit, badness: number): void {
    const { prng } = this;
    const { store, isAlive, isBackup } = this.#coordinator;
    const bad = prng.chance(badness) ? prng.pick<ProgramBehaviour>(badProgramsOf[unit]) : "good";
    const isRestart = prng.chance(0.15);
    const alone = prng.chance(0.7);
    const moving = store.rollouts.some(
      ({ rollout, state }) => !isOver(state.phase) && rollout.title.includes(`(${unit})`),
    );
    if (!isAlive || isBackup || this.isStoreFull || (alone && moving)) return;
    this.#rollPrograms(unit, isRestart ? undefined : bad);
  }

  /** Starts the rollout of a new version, or of a restart when nothing says how a new one behaves. */
  #rollPrograms(unit: ProgramUnit, behaviour: ProgramBehaviour | undefined): void {
    const number = ++this.#deployments;
    if (behaviour !== undefined) this.programs.set(`${unit}-${number}`, behaviour);
    const given = { id: `r-${number}`, site: unit, extent: unit, now: this.time.now };
    const { store } = this.#coordinator;
    const rollout = rolloutOf(this.#fleet, store.proven, behaviour === undefined ? given : { ...given, number });
    this.trace.add(`operator: ${rollout.title} (${behaviour ?? "restart"})`);
    this.#coordinator.start(rollout, behaviour === undefined ? {} : { [unit]: `${unit}-${number}` });
  }

  /** Somebody puts another pair on the disks of an environment, one host after the other; most often everything is started again with it. */
  #renewPairs(): void {
    const { prng, options } = this;
    const environment = prng.pick(["acceptance", "production"]);
    const isLeft = prng.chance(options.renewals?.left ?? 0);
    this.#putPairs(environment, prng.chance(options.renewals?.bad ?? 0) ? prng.pick(badPairs) : "good");
    if (!isLeft) this.time.after(prng.whole(1000, 20_000), () => this.#rollRenewal(environment));
  }

  /** One for all hosts, or one for each: then it is the last of them that has a bad one. */
  #putPairs(environment: string, behaviour: PairBehaviour): void {
    const hosts = this.#hosts.filter((one) => one.environment === environment);
    const shared = this.prng.chance(0.5) ? this.#makePair(behaviour) : undefined;
    for (const host of hosts) {
      const pair = shared ?? this.#makePair(host === hosts.at(-1) ? behaviour : "good");
      this.time.after(this.prng.whole(1, 10_000), () => host.renewPair(pair));
    }
  }

  #makePair(behaviour: PairBehaviour): string {
    const pair = `pair-${++this.#deployments}`;
    this.pairs.set(pair, behaviour);
    this.trace.add(`${pair} is ${behaviour}`);
    return pair;
  }

  #rollRenewal(environment: string): void {
    const { store, isAlive, isBackup } = this.#coordinator;
    if (this.calm || !isAlive || isBackup || this.isStoreFull) return;
    const id = `r-${++this.#deployments}`;
    const title = `restart what presents a certificate in ${environment}`;
    this.trace.add(`operator: ${title}`);
    this.#promises.gates.concernsOneEnvironment(id);
    this.#coordinator.start(renewalOf(this.#fleet, store.proven, { id, now: this.time.now, environment, title }), {});
  }

  /** Operators reboot some hosts, or all of them. */
  #orderReboot(): void {
    const { prng } = this;
    const { store, isAlive, isBackup } = this.#coordinator;
    const hosts = this.#places.map(({ name }) => name).filter(() => prng.chance(0.7));
    const alone = prng.chance(0.6);
    const isMovingNow = store.rollouts.some(({ state }) => !isOver(state.phase));
    if (!isAlive || isBackup || this.isStoreFull || hosts.length === 0 || (alone && isMovingNow)) return;
    this.#rollReboot(hosts);
  }

  /** Refused as the coordinator refuses it: two of them would wait for each other's hosts until their deadlines. */
  #rollReboot(hosts: readonly string[]): void {
    const reboots = this.#coordinator.store.rollouts.filter(
      ({ rollout, state }) => rollout.kind === "reboot" && !isOver(state.phase),
    );
    const taken = reboots.flatMap(({ rollout }) => placedSteps(rollout, {}).map(({ change }) => change.host));
    if (hosts.some((host) => taken.includes(host))) return;
    const id = `r-${++this.#deployments}`;
    const title = `reboot of ${hosts.join(", ")}`;
    this.trace.add(`operator: ${title}`);
    const asked = { id, now: this.time.now, hosts, title };
    this.#coordinator.start(rebootOf(this.#fleet, this.#coordinator.store.proven, asked), {});
  }

  /** Somebody has seen to a host that stays away, ends its rollout, and reboots the others anew. */
  #rebootOthers(index: number): void {
    const { store, isAlive } = this.#coordinator;
    const entry = store.rollouts[index];
    this.#coordinator.tell(index, "abort");
    if (entry === undefined || !isAlive || entry.state.phase !== "aborted") return;
    const { steps } = entry.state;
    const hosts = entry.rollout.stages.flatMap(({ waves }) => waves.flat().map(({ host }) => host));
    const left = hosts.filter((host) => (steps[host]?.kind ?? "pending") === "pending");
    if (left.length > 0) this.#rollReboot(left);
  }

  /** Most hosts are back soon. */
  #rebootMs(): number {
    const isLong = !this.calm && this.prng.chance(this.options.reboots?.staysAway ?? 0);
    return isLong ? this.prng.whole(14, 19) * 60_000 : this.prng.whole(10_000, 90_000);
  }

  #planGateOrders(): void {
    const { gates } = this.options;
    if (gates === undefined) return;
    this.#every(gates.freezeEveryMs, () => this.#freeze());
    this.#every(gates.haltAllEveryMs, () => this.#haltAll(this.prng.whole(20_000, 120_000)));
    this.#every(gates.overrideEveryMs, () => {
      const { rollouts } = this.#coordinator.store;
      if (rollouts.length > 0) this.#coordinator.overrideClosed(this.prng.whole(0, rollouts.length - 1));
    });
    this.#every(gates.ackEveryMs, () => this.#acknowledgeAll());
  }

  #freeze(): void {
    const where = this.prng.pick([[], ["acceptance"], ["production"], ["production"]]);
    const { name } = this.#gates.freeze(this.time.now, this.prng.whole(10_000, 240_000), where);
    this.trace.add(`operator: ${name} of ${where.join("") || "everything"}`);
  }

  /** Somebody stops everything, and lifts it after a while. */
  #haltAll(ms: number): void {
    const { isAlive, isBackup } = this.#coordinator;
    if (!isAlive || isBackup || this.isStoreFull || this.#gates.haltAll !== undefined) return;
    const halt = { by: "operator", reason: "simulated", at: this.time.now };
    this.trace.add("operator: halts everything");
    this.#gates.haltAll = halt;
    this.#coordinator.changeAll(({ rollout, state }) => heldByHaltAll(rollout, state, halt));
    this.time.after(ms, () => this.#clearHalt());
  }

  #clearHalt(): void {
    if (!this.#coordinator.isAlive || this.isStoreFull) {
      this.time.after(5000, () => this.#clearHalt());
      return;
    }
    this.trace.add("operator: lifts the halt");
    this.#gates.haltAll = undefined;
    this.#coordinator.changeAll(({ rollout, state }) => freedFromHaltAll(rollout, state, "operator", this.time.now));
  }

  #acknowledgeAll(): void {
    this.#coordinator.store.rollouts.forEach(({ state }, index) => {
      if (state.phase === "waiting-for-gates") this.#coordinator.tell(index, "ack");
    });
  }

  /** Again and again, `averageMs` apart, until no more faults happen. */
  #every(averageMs: number, act: () => void): void {
    if (averageMs === 0) return;
    this.time.after(this.prng.whole(averageMs / 2, averageMs * 1.5), () => {
      if (this.calm) return;
      if (!this.#without.has(this.acts++)) act();
      this.#every(averageMs, act);
    });
  }

  #partition(host: string, ms: number): void {
    this.trace.add(`${host} is cut off`);
    this.#cut.add(host);
    this.time.after(ms, () => this.#cut.delete(host));
  }

  #takeBackup(): void {
    if (this.calm) return;
    this.trace.add("a backup is taken");
    this.#snapshot = copyOf(this.#coordinator.store);
    this.time.after(this.prng.whole(30_000, this.options.faultsMs / 2), () => this.#restoreBackup());
  }

  /** Somebody starts the backup in the coordinator's place, and finds out after a while. */
  #restoreBackup(): void {
    const snapshot = this.#snapshot;
    if (this.calm || snapshot === undefined || !this.#coordinator.isAlive) return;
    const right = this.#coordinator.store;
    this.trace.add("the backup is started in the coordinator's place");
    this.#coordinator.isAlive = false;
    this.#coordinator = this.#lead(copyOf(snapshot), true);
    this.time.after(this.prng.whole(30_000, 150_000), () => {
      this.trace.add("the right store comes back");
      this.#coordinator.isAlive = false;
      this.#adopts = true;
      this.#snapshot = undefined;
      this.#promises.forgetBackup();
      this.#coordinator = this.#lead(copyOf(right), false);
    });
  }

  #deploy(): void {
    const { store, isAlive, isBackup } = this.#coordinator;
    const site = this.prng.pick(sitesOf(this.options));
    const extent = this.prng.pick<Extent>(["pair", "pair", "site", "proxy", "front", "all"]);
    const restart = this.prng.chance(0.15);
    const alone = this.prng.chance(0.7);
    const moving = store.rollouts.some(({ rollout, state }) => rollout.sites.includes(site) && !isOver(state.phase));
    if (!isAlive || isBackup || this.isStoreFull || (alone && moving)) return;
    const behaviour = this.options.behaviours[(this.#deployments + 1) % this.options.behaviours.length] ?? "good";
    this.#roll(site, extent, restart ? undefined : behaviour);
  }

  /** Starts the rollout of new releases, or of a restart when nothing says how new ones behave. */
  #roll(site: string, extent: Extent, behaviour: Behaviour | undefined): void {
    const { store } = this.#coordinator;
    const number = ++this.#deployments;
    const units = unitsOf(site, number, extent);
    if (behaviour !== undefined) giveBehaviour(this, units, behaviour);
    const given = { id: `r-${number}`, site, extent, now: this.time.now, ...this.#leftOut() };
    const planned = rolloutOf(this.#fleet, store.proven, behaviour === undefined ? given : { ...given, number });
    const isOneWay = this.options.oneWay === true && behaviour !== undefined && number % 3 === 0;
    const rollout = isOneWay ? { ...planned, oneWay: "simulated" } : planned;
    this.trace.add(`operator: ${rollout.title} (${behaviour ?? "restart"})`);
    const wanted = behaviour === undefined ? [] : units.map(({ unit, digest }) => [unit, digest]);
    this.#coordinator.start(rollout, Object.fromEntries(wanted));
  }

  /** Somebody is in a hurry and leaves a host of acceptance out. */
  #leftOut(): { readonly hosts?: readonly string[] } {
    const { gates } = this.options;
    if (gates === undefined || this.calm || !this.prng.chance(gates.subset)) return {};
    return { hosts: this.#places.map(({ name }) => name).filter((name) => name !== "at-1") };
  }

  #operate(): void {
    const { rollouts } = this.#coordinator.store;
    if (rollouts.length === 0) return;
    const verbs: readonly OperatorVerb[] = ["pause", "resume", "resume", "abort", "revert", "promote"];
    this.#coordinator.tell(
      this.prng.whole(Math.max(0, rollouts.length - 3), rollouts.length - 1),
      this.prng.pick(verbs),
    );
  }

  #abortInHaste(): void {
    const { time } = this;
    this.#coordinator.store.rollouts.forEach(({ state }, index) => {
      if (state.phase === "activating" && time.now - state.since < 10_000) this.#coordinator.tell(index, "abort");
    });
  }

  #approveAll(): void {
    this.#coordinator.store.rollouts.forEach(({ state }, index) => {
      if (state.phase === "waiting-for-gates") this.#coordinator.tell(index, "approve", "approver", this.#approver());
    });
  }

  /** Where two people are needed, it is one or the other who comes by. */
  #approver(): string {
    return this.options.gates === undefined ? "operator" : this.prng.pick(["ada", "bob"]);
  }

  /** Nothing breaks any more, and somebody answers what waits for a person. */
  #beCalm(): void {
    this.trace.add("calm");
    this.calm = true;
    this.isStoreFull = false;
    for (const host of this.#hosts) host.emptyDisk();
    this.#cut.clear();
    // Else nothing that presents a certificate could be started anew.
    if (this.options.renewals !== undefined)
      for (const environment of ["acceptance", "production"]) this.#putPairs(environment, "good");
    this.time.after(attendsAfterMs, () => this.#attend());
  }

  #attend(): void {
    const { store } = this.#coordinator;
    store.rollouts.forEach(({ rollout, state }, index) => {
      if (state.phase === "waiting-for-gates" && this.options.approval)
        this.#coordinator.tell(index, "approve", "approver");
      if (this.options.gates !== undefined) this.#coordinator.overrideClosed(index);
      if (this.#isTakenBackElsewhere({ rollout, state })) this.#coordinator.tell(index, "abort");
      if (state.phase === "paused" && this.#gates.haltAll === undefined) this.#coordinator.tell(index, "resume");
      if (state.phase === "held" && rollout.kind === "reboot") this.#rebootOthers(index);
      else if (state.phase === "held") this.#coordinator.tell(index, rollout.oneWay === undefined ? "abort" : "keep");
    });
    if (this.options.reboots !== undefined) this.#coordinator.undrainForgotten();
    this.#makeAgree();
    this.time.after(attendsEveryMs, () => this.#attend());
  }

  /** It waits, and not only just, for a host to acknowledge what passed there, which a backup that led for a while has taken back. */
  #isTakenBackElsewhere({ rollout, state }: Store["rollouts"][number]): boolean {
    const { store, isAlive, isBackup } = this.#coordinator;
    if (state.phase !== "waiting-for-gates" || this.time.now - state.since < attendsAfterMs) return false;
    if (!this.#promises.backupActed || !isAlive || isBackup) return false;
    const passed = placedSteps(rollout, state.steps).filter(({ step }) => step.kind === "passed");
    return passed.some(({ change }) => {
      const host = this.#hosts.find(({ name }) => name === change.host);
      const disputed = host === undefined ? [] : disputedUnits(store, host);
      return change.units.some(({ unit }) => disputed.includes(unit));
    });
  }

  /** Where a host and the store disagree over what is proven, nothing changes by itself: somebody deploys anew. */
  #makeAgree(): void {
    const { store, isAlive, isBackup } = this.#coordinator;
    if (!isAlive || isBackup || isMoving(store)) return;
    const units = new Set(this.#hosts.flatMap((host) => disputedUnits(store, host)));
    if (units.size === 0) return;
    this.trace.count("store and host disagreed");
    for (const site of sitesOf(this.options))
      if (units.has(`site:${site}`) || units.has(`proxy:${site}`)) this.#roll(site, "pair", "good");
    if (units.has("front")) this.#roll("", "front", "good");
    for (const unit of ["agent", "keeper"] as const) if (units.has(unit)) this.#rollPrograms(unit, "good");
  }

  #unsettled(): string | undefined {
    const { store, isBackup, isAlive } = this.#coordinator;
    if (isBackup || !isAlive) return "the right coordinator does not lead";
    return unsettled(store, this.#hosts);
  }
}
