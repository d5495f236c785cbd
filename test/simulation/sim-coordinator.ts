import {
  adoptHost,
  applyVerb,
  findUnheard,
  type GateFacts,
  gateNames,
  type HostObservation,
  type HostView,
  type Instant,
  type Intent,
  type IntentBody,
  instant,
  type NewEvent,
  type OperatorVerb,
  othersOf,
  overrideGate,
  type Plan,
  type PlanInput,
  planRollout,
  type Rollout,
  type RolloutAction,
  type RolloutState,
  type SiteDuties,
  sameJson,
  startRollout,
  type UnitRelease,
  type WaitingOn,
} from "@sluice/core";
import { releaseIn } from "@sluice/core/rollout/way-back";
import { findFollowing } from "./find-following.ts";
import { type History, simulatedDigest } from "./history.ts";
import type { Promises } from "./promises.ts";
import { beatMs, type Report } from "./report.ts";
import type { SimGates } from "./sim-gates.ts";
import { SimHealth } from "./sim-health.ts";
import { SimTurns } from "./sim-turns.ts";
import { dutiesOf, simulatedRelease, sitesOf } from "./simulated-fleet.ts";
import type { Place, Store } from "./store.ts";

type Entry = Store["rollouts"][number];

const nobody: PlanInput["others"] = { busyUnits: {}, unavailable: {} };

/** A process ends here and now; what it saved before is saved. */
class Died extends Error {}

/** There is no room for what is to be saved: nothing has changed, and it is decided again. */
class StoreFull extends Error {}

const silentAfterMs = 3 * beatMs;

interface Heard {
  readonly at: number;
  readonly observation: Report["observation"];
  /** Since when it says that its proxies tell the edge; by this coordinator's clock. */
  readonly drainingSince: Instant | undefined;
}

interface Told {
  readonly body: IntentBody;
  readonly digest: string;
  /** What it follows from. */
  readonly about: readonly unknown[];
}

const isSameAll = (before: readonly unknown[], now: readonly unknown[]): boolean =>
  before.length === now.length && before.every((one, index) => one === now[index]);

/** How one life of a coordinator begins. */
export interface CoordinatorLife {
  readonly store: Store;
  readonly isBackup: boolean;
  readonly adopts: boolean;
  /** How long it may leave the fleet alone that says nothing new. */
  readonly heartbeatMs?: number;
  /** Told what becomes of turns to reboot. */
  readonly onTurn?: (event: NewEvent) => void;
}

/** One life of a coordinator process: it holds the store, what it heard, and nothing else. */
export class SimCoordinator {
  readonly store: Store;
  readonly isBackup: boolean;
  /** An operator said that this store is the right one, whatever the hosts remember. */
  readonly adopts: boolean;
  readonly #history: History;
  readonly #promises: Promises;
  readonly #places: readonly Place[];
  readonly #gates: SimGates;
  readonly #send: (host: string, intent: Intent) => void;
  readonly #heard = new Map<string, Heard>();
  readonly #startedAt: number;
  /** What each host is to be told now, until the store changes. */
  readonly #told = new Map<string, Told>();
  /** What each host was last to be told: most changes of the store say nothing new to most hosts. */
  readonly #lastTold = new Map<string, Told>();
  readonly #health: SimHealth;
  readonly #duties: readonly SiteDuties[];
  readonly #turns: SimTurns;
  #refusesBecause: string | undefined;
  isAlive = true;
  readonly #heartbeatMs: number;
  /** Something that decisions look at has changed: as with the bell of the real one a reason to look, and no more. */
  #isRung = true;
  /** The nearest deadline, or the next heartbeat. */
  #dueAt = 0;
  /** What is seen of the hosts, until something new is heard or stored, or one of them has been silent for too long. */
  #seen: { readonly until: number; readonly views: Readonly<Record<string, HostView>> } | undefined;
  /** Hosts of those seen that say nothing. */
  #silent = 0;

  constructor(
    history: History,
    promises: Promises,
    places: readonly Place[],
    gates: SimGates,
    given: CoordinatorLife,
    send: (host: string, intent: Intent) => void,
  ) {
    this.#history = history;
    this.#promises = promises;
    this.#places = places;
    this.#gates = gates;
    this.#send = send;
    this.store = given.store;
    this.isBackup = given.isBackup;
    this.#duties = sitesOf(history.options).map(dutiesOf);
    this.#health = new SimHealth(history, places, given.store);
    this.adopts = given.adopts;
    this.#turns = this.#turnsBy(given.onTurn ?? (() => undefined));
    this.#heartbeatMs = given.heartbeatMs ?? 2 * beatMs;
    this.#startedAt = history.time.now;
    this.store.fence++;
    history.trace.add(`coordinator leads with fence ${this.store.fence}${given.isBackup ? " from a backup" : ""}`);
  }

  #turnsBy(onTurn: (event: NewEvent) => void): SimTurns {
    return new SimTurns({
      ...{ history: this.#history, places: this.#places, gates: this.#gates, store: this.store, onTurn },
      promises: this.#promises.reboots,
      active: () => this.#active(),
      view: (host) => this.#views()[host] ?? { connected: false },
      silent: () => {
        this.#views();
        return this.#silent;
      },
      drainingSince: (host) => this.#heard.get(host)?.drainingSince,
      proven: () => this.#provenByHostUnit(),
      demandRoom: () => this.#demandRoom(),
    });
  }

  receive(report: Report): void {
    if (!this.isAlive) return;
    const { observation, results, round } = report;
    const { host } = observation;
    const before = this.#heard.get(host);
    if (before === undefined || observation.at > before.observation.at) {
      if (!this.#isConnected(host) || !saysTheSame(before?.observation, observation)) this.#isRung = true;
      const { now: at } = this.#history.time;
      const drainingSince = observation.drain?.obeyed === true ? (before?.drainingSince ?? at) : undefined;
      this.#heard.set(host, { at, observation, drainingSince });
      this.#seen = undefined;
    }
    this.#promises.heard(observation, results, round);
    if (!this.#history.isStoreFull) this.#health.count(host, results, round);
    this.#judgeLead(observation);
  }

  #judgeLead(observation: Report["observation"]): void {
    const { host, maxFence, generation, intentDigest } = observation;
    const memory = { maxFence, generation, digest: intentDigest };
    const { judgeLead, coordinator } = this.#history.subject;
    const { fence } = this.store;
    const issued = this.store.issued[host];
    const known = issued !== undefined && coordinator.comparesOwnFence ? { ...issued, fence } : issued;
    const verdict = judgeLead({ fence, issued: known }, host, memory);
    if (verdict.kind === "lead") return;
    if (this.adopts) {
      const own = adoptHost({ fence: this.store.fence, generation: issued?.generation ?? 0 }, memory);
      this.store.fence = own.fence;
      // Also of a host that this store has never issued anything to.
      const body = issued?.body ?? this.#toTell(host).body;
      this.store.issued[host] = { host, body, ...own, digest: "adopted" };
      return;
    }
    if (this.#refusesBecause === undefined) this.#history.trace.add(`coordinator refuses to lead: ${verdict.sentence}`);
    this.#refusesBecause = verdict.sentence;
  }

  /** Decides when there is a reason to: something was heard or ordered, evidence has come in, or a deadline has. */
  tick(): void {
    if (!this.isAlive || this.#refusesBecause !== undefined) return;
    const { now } = this.#history.time;
    if (now - this.#startedAt < 2 * beatMs) return;
    const active = this.#active();
    const isConnected = (host: string): boolean => this.#isConnected(host);
    try {
      if (this.#turns.advance()) {
        this.#changed();
        this.#mayDie();
      }
      if (!this.#isRung && now < this.#dueAt && !active.some((entry) => this.#health.hasNews(entry, isConnected)))
        return;
      this.#isRung = false;
      this.#dueAt = now + this.#heartbeatMs;
      for (const entry of active) this.#planRollout(entry);
      this.#followLateHosts();
      for (const place of this.#places) this.#issue(place);
    } catch (error) {
      if (error instanceof StoreFull) {
        this.#isRung = true;
        this.#history.trace.count("disk full of the coordinator");
        return;
      }
      if (!(error instanceof Died)) throw error;
      this.isAlive = false;
      this.#history.trace.add("coordinator dies right after saving");
    }
  }

  #followLateHosts(): void {
    if (this.#history.options.skipLostMs === undefined) return;
    const following = findFollowing({
      store: this.store,
      places: this.#places,
      now: this.#history.time.now,
      judge: this.#history.subject.judgeLateHost,
      isConnected: (host) => this.#isConnected(host),
      proven: this.#provenByHostUnit(),
    });
    for (const rollout of following) {
      this.#demandRoom();
      this.#history.trace.add(`${rollout.id} lets ${rollout.title} follow`);
      this.#history.trace.count("late host follows");
      this.#promises.follows(rollout, this.#provenByHostUnit());
      this.start(rollout, {});
      this.#mayDie();
    }
  }

  #active(): readonly Entry[] {
    return this.store.rollouts.filter(({ isEnded }) => isEnded !== true);
  }

  /** The store says something new: what hosts are to be told is derived anew, and everything decided again. */
  #changed(): void {
    this.#isRung = true;
    this.#told.clear();
    this.#seen = undefined;
  }

  #demandRoom(): void {
    if (this.#history.isStoreFull) throw new StoreFull();
  }

  #mayDie(): void {
    if (!this.#history.calm && this.#history.prng.chance(this.#history.options.crashAfterSave)) throw new Died();
  }

  #planRollout(entry: Entry): void {
    for (let round = 0; round < 5; round++) {
      const before = entry.state;
      this.#health.advance(entry, this.#views());
      const plan = this.#history.subject.planRollout(this.#input(entry));
      const truth = { proven: this.#provenByHostUnit(), active: this.#active() };
      this.#promises.planned(entry.rollout, before, plan, truth);
      if (before.phase === "waiting-for-gates" && plan.next.phase === "activating")
        this.#promises.gates.starts(entry.rollout, before, {
          proven: truth.proven,
          skipped: Object.keys(plan.next.steps).filter((host) => plan.next.steps[host]?.kind === "skipped"),
        });
      this.#dueAt = Math.min(this.#dueAt, ...deadlinesOf(plan.next, plan.waitingOn, this.#history.time.now));
      const isSame = sameJson(plan.next, before);
      if (!isSame || isOver(plan)) this.#demandRoom();
      if (isOver(plan)) this.#end(entry);
      if (isSame) return;
      entry.state = plan.next;
      this.#changed();
      for (const action of plan.actions) {
        if (action.kind === "record-proven") this.#recordProven(action.host, action.units);
        else if (action.kind === "record-verdict") this.#recordVerdict(action);
        else this.#history.trace.add(`page: ${action.sentence}`);
      }
      if (plan.next.phase !== before.phase) this.#history.trace.add(`${entry.rollout.id} is ${plan.next.phase}`);
      this.#mayDie();
      if (entry.isEnded === true) return;
    }
  }

  /** Nothing is decided about it any more. */
  #end(entry: Entry): void {
    entry.isEnded = true;
    delete this.store.health[entry.rollout.id];
  }

  /** By `host/unit`, until something else is proven. */
  #proven: Readonly<Record<string, string>> | undefined;

  #recordProven(host: string, units: readonly { readonly unit: string; readonly digest: string | undefined }[]): void {
    this.#proven = undefined;
    for (const { unit, digest } of units) {
      const proven = { ...this.store.proven[host] };
      if (digest === undefined) delete proven[unit];
      else proven[unit] = digest;
      this.store.proven[host] = proven;
    }
    this.#history.trace.add(`${host} has proven ${units.map(({ digest }) => digest).join(", ")}`);
  }

  #recordVerdict({ environment, units, verdict, sentence }: Extract<RolloutAction, { kind: "record-verdict" }>): void {
    for (const { unit, digest } of units) {
      const key = releaseIn(environment, unit, digest);
      if (verdict === "bad") this.store.bad[key] = sentence;
      else delete this.store.bad[key];
    }
  }

  /** Everything that the decision may look at. What others hold is asked for only by who gives grants. */
  #input(entry: Entry): PlanInput {
    const hosts = this.#views();
    const { now } = this.#history.time;
    const { rollout, state } = entry;
    const grants = state.phase === "activating" || state.phase === "reverting";
    const health = this.#health;
    return {
      now,
      rollout,
      state,
      hosts,
      badReleases: this.store.bad,
      fleet: { hosts: this.#places.length, silent: this.#silent },
      /** Judged only where the decision asks for it: while nothing is live by the rollout, it does not. */
      get verdict() {
        return health.verdict(entry);
      },
      others: grants ? othersOf(rollout.id, this.#active(), hosts) : nobody,
      gates: { ...this.#gates.facts(now), unheard: this.#unheard(entry) },
      drained: this.#turns.drained(),
      ...(rollout.kind === "reboot" ? { reboots: this.#turns.turnsOf(entry) } : {}),
      proven: this.#provenByHostUnit(),
    };
  }

  /** Silent ways into the hosts of the wave that waits, as they are probed now. */
  #unheard({ rollout, state }: Entry): GateFacts["unheard"] {
    if (state.phase !== "waiting-for-gates" || this.#history.options.gates === undefined) return [];
    const wave = rollout.stages[state.at.stage]?.waves[state.at.wave] ?? [];
    return wave.flatMap(({ host }) =>
      findUnheard({
        now: this.#history.time.now,
        heardAt: ({ binding, hop }) => this.#health.heardAt(host, binding, hop),
        host,
        duties: this.#duties.filter(
          ({ site }) => rollout.sites.includes(site) && this.store.proven[host]?.[`site:${site}`] !== undefined,
        ),
      }),
    );
  }

  #isConnected(host: string): boolean {
    const heard = this.#heard.get(host);
    return heard !== undefined && this.#history.time.now - heard.at <= silentAfterMs;
  }

  #views(): Readonly<Record<string, HostView>> {
    const { now } = this.#history.time;
    if (this.#seen === undefined || now > this.#seen.until) {
      const views: Record<string, HostView> = {};
      let until = Number.POSITIVE_INFINITY;
      this.#silent = 0;
      for (const { name } of this.#places) {
        const view = this.#view(name);
        views[name] = view;
        if (view.connected) until = Math.min(until, (this.#heard.get(name)?.at ?? 0) + silentAfterMs);
        else this.#silent++;
      }
      this.#seen = { until, views };
    }
    return this.#seen.views;
  }

  #view(host: string): HostView {
    const heard = this.#heard.get(host);
    if (heard === undefined) return { connected: false, silentSince: instant(this.#startedAt) };
    const { observation } = heard;
    const issued = this.store.issued[host];
    const { comparesTextOnly } = this.#history.subject.coordinator;
    const isNewest = comparesTextOnly === true || issued?.generation === observation.generation;
    const upToDate =
      isNewest && issued?.digest === observation.intentDigest && this.#toTell(host).digest === issued.digest;
    const connected = this.#isConnected(host);
    return { connected, ...(connected ? {} : { silentSince: instant(heard.at) }), observation, upToDate };
  }

  #provenByHostUnit(): Readonly<Record<string, string>> {
    if (this.#proven !== undefined) return this.#proven;
    const all: Record<string, string> = {};
    for (const [host, units] of Object.entries(this.store.proven)) {
      for (const [unit, digest] of Object.entries(units)) all[`${host}/${unit}`] = digest;
    }
    this.#proven = all;
    return all;
  }

  /** Parts are in a fixed order, so the plain text of a body serves for its digest. */
  #toTell(host: string): Told {
    const known = this.#told.get(host);
    if (known !== undefined) return known;
    const about = this.#aboutOf(host);
    const before = this.#lastTold.get(host);
    if (before !== undefined && isSameAll(before.about, about)) {
      this.#told.set(host, before);
      return before;
    }
    const body = this.#body(host);
    const told =
      before !== undefined && sameJson(before.body, body)
        ? { ...before, about }
        : { body, digest: simulatedDigest(textOf(body)), about };
    this.#told.set(host, told);
    this.#lastTold.set(host, told);
    return told;
  }

  /** All that the body of a host's intent follows from. */
  #aboutOf(host: string): readonly unknown[] {
    const { desired, proven, rollouts, leases, drains } = this.store;
    const about: unknown[] = [desired[host], proven[host], leases[host], drains[host]];
    for (const { rollout, state, isEnded } of rollouts)
      if (isEnded !== true) about.push(rollout, state.phase, state.steps[host]);
    return about;
  }

  #body(host: string): IntentBody {
    return this.#history.subject.deriveIntentBody({
      host,
      environment: "production",
      unconfirmed: "revert",
      duties: this.#duties,
      desired: this.store.desired[host] ?? {},
      proven: this.store.proven[host] ?? {},
      holds: {},
      rollouts: this.#active(),
      draining: this.store.drains[host] !== undefined,
      reboot: this.#turns.orderOf(host),
      releaseOf: simulatedRelease,
    });
  }

  /**
   * Saves a new intent when the store says something new, and repeats it until the host obeys it. A host that has not
   * spoken to this process is not connected to it: what it remembers has to be judged first.
   */
  #issue({ name }: Place): void {
    if (!this.#heard.has(name)) return;
    const { body, digest } = this.#toTell(name);
    const last = this.store.issued[name];
    const { fence } = this.store;
    const isNew = last?.digest !== digest;
    const generation = (last?.generation ?? 0) + (isNew ? 1 : 0);
    const intent: Intent = { host: name, generation, fence, digest, body };
    const early = this.#history.subject.coordinator.sendsBeforeSaving === true;
    if (isNew && early) {
      this.#send(name, intent);
      this.#mayDie();
    }
    const ignoresFullDisk = this.#history.subject.coordinator.ignoresFullDisk === true && this.#history.isStoreFull;
    if (isNew && !ignoresFullDisk) this.#demandRoom();
    if (!ignoresFullDisk && (isNew || last?.fence !== fence)) {
      this.store.issued[name] = intent;
      this.#seen = undefined;
    }
    if (isNew && !early) this.#mayDie();
    const seen = this.#heard.get(name)?.observation;
    if (seen?.generation !== generation || seen.intentDigest !== digest || seen.maxFence !== fence)
      this.#send(name, intent);
  }

  /** An operator starts a rollout, and wants what it brings on every host. */
  start(rollout: Rollout, desired: Readonly<Record<string, string>>): void {
    this.#promises.started(rollout);
    this.store.rollouts.push({ rollout, state: startRollout(rollout, this.#history.time.now) });
    for (const { name } of this.#places) this.store.desired[name] = { ...this.store.desired[name], ...desired };
    this.#changed();
  }

  /** An operator says something about a rollout; refusals are part of life. */
  tell(index: number, verb: OperatorVerb, role?: string, by = "operator"): void {
    const entry = this.store.rollouts[index];
    if (!this.isAlive || this.#history.isStoreFull || entry === undefined) return;
    const input = { ...entry, verdict: this.#health.verdict(entry), badReleases: this.store.bad };
    const context = {
      by,
      reason: "simulated",
      now: this.#history.time.now,
      mayOverride: true,
      ...(role === undefined ? {} : { role }),
    };
    const outcome = applyVerb(input, verb, context);
    this.#history.trace.add(`operator: ${verb} ${entry.rollout.id}${"refusal" in outcome ? " (refused)" : ""}`);
    if ("state" in outcome) {
      entry.state = outcome.state;
      if (verb === "ack") this.#promises.gates.acknowledged(entry.rollout.id);
      if (verb === "approve") this.#promises.gates.approved(entry.rollout.id, by);
    }
    this.#changed();
  }

  /** An operator opens every gate that keeps the rollout waiting. */
  overrideClosed(index: number): void {
    const entry = this.store.rollouts[index];
    if (!this.isAlive || this.#history.isStoreFull || entry?.state.phase !== "waiting-for-gates") return;
    const input = this.#input(entry);
    const { at } = entry.state;
    for (const { gate, state } of planRollout(input).gates ?? []) {
      const name = gateNames.find((one) => one === gate);
      if (state !== "closed" || name === undefined) continue;
      const context = { by: "operator", reason: "simulated", now: this.#history.time.now };
      const outcome = overrideGate({ ...input, rollout: entry.rollout }, name, context);
      if ("refusal" in outcome) continue;
      entry.rollout = outcome.rollout;
      this.#changed();
      this.#history.trace.add(`operator: overrides ${name} of ${entry.rollout.id}`);
      this.#history.trace.count(`override ${name}`);
      this.#promises.gates.overridden(entry.rollout.id, name, at);
    }
  }

  /** An operator lets users come again to hosts that are drained for a reboot that nobody waits for any more. */
  undrainForgotten(): void {
    if (!this.isAlive || this.#history.isStoreFull) return;
    this.#turns.undrainForgotten();
    this.#changed();
  }

  /** What an operator's halt of everything, or its end, makes of every rollout. */
  changeAll(next: (entry: Entry) => Entry["state"] | undefined): void {
    for (const entry of this.store.rollouts) entry.state = next(entry) ?? entry.state;
    this.#changed();
  }
}

/** The text of a body; duties and releases that everybody has are called by their names in it. */
function textOf(body: IntentBody): string {
  const named = (release: UnitRelease): unknown =>
    simulatedRelease(release.digest) === release ? release.digest : release;
  return JSON.stringify({
    ...body,
    sites: body.sites.map((one) => (dutiesOf(one.site) === one ? one.site : one)),
    units: body.units.map(({ proven, hold, ...unit }) => ({
      ...unit,
      ...(proven === undefined ? {} : { proven: named(proven) }),
      hold: hold.map(named),
    })),
  });
}

/** Word for word the same, but for the time of saying so. */
function saysTheSame(before: HostObservation | undefined, now: HostObservation): boolean {
  if (before === undefined) return false;
  if (before.units === now.units && before.grants === now.grants && before.intentDigest === now.intentDigest)
    return before.generation === now.generation && before.maxFence === now.maxFence && before.boot === now.boot;
  return sameJson({ ...before, at: now.at }, now);
}

/** What of a plan comes true by the passing of time alone. */
function deadlinesOf(state: RolloutState, waitingOn: readonly WaitingOn[], now: number): readonly number[] {
  const soak = state.phase === "observing" ? [state.soakUntil] : [];
  const own = "deadline" in state ? [state.deadline, ...soak] : soak;
  return [...own, ...waitingOn.flatMap(({ until }) => (until === undefined ? [] : [until]))].filter((at) => at > now);
}

/** As the real coordinator holds it: such a rollout is not planned any more. */
const isOver = ({ next, waitingOn }: Plan): boolean =>
  next.phase === "completed" || next.phase === "reverted" || (next.phase === "aborted" && waitingOn.length === 0);
