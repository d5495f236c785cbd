import { noFacts } from "@sluice/agent/activation/carry-out";
import { wordOn } from "@sluice/agent/activation/step-activation";
import type { WatchedCertificate } from "@sluice/agent/certificates/start-renewal-watch";
import type { Ledger } from "@sluice/agent/ledger/ledger";
import { buildObservation } from "@sluice/agent/observation/build-observation";
import { unsettled, unsettledChanges } from "@sluice/agent/reconcile/live-units";
import { isColdStart } from "@sluice/agent/reconcile/processes";
import { absorbIntent, catchUp } from "@sluice/agent/reconcile/settle-ledger";
import type { HostObservation, Instant, Intent, ObservedHost, ProbeResult, UnitKey, UnitRelease } from "@sluice/core";
import { AgentLife, type AgentPorts, type Lane } from "./agent-life.ts";
import { SimActivations } from "./sim-activations.ts";
import { KeeperSilent } from "./sim-keeper.ts";
import { foundFor } from "./sim-pairs.ts";
import { SimProgramChanges } from "./sim-program-changes.ts";
import { SimUpkeep } from "./sim-upkeep.ts";
import { isPresenter } from "./simulated-fleet.ts";

/** How often a host that needs nothing is looked at all the same. */
const idleLookMs = 60_000;

/** After a release could not be installed ahead. */
const installAgainMs = 30_000;

/** What a look was about. */
interface Looked {
  readonly changes: number;
  readonly ledger: Ledger;
  readonly intent: Intent | undefined;
  readonly at: number;
}

/** One life of the agent process: it decides with the real agent's code, and forgets everything but its disk when it ends. */
export class SimAgent {
  readonly startedAt: Instant;
  readonly #ports: AgentPorts;
  readonly #life: AgentLife;
  readonly #activations: SimActivations;
  readonly #upkeep: SimUpkeep;
  readonly #programs: SimProgramChanges | undefined;
  #looked: Looked | undefined;
  /** An intent that there was no room for. */
  #owed: Intent | undefined;
  #hasJudgedStart = false;
  #notInstalledBefore = 0;
  #told: { readonly observation: HostObservation; readonly about: readonly unknown[] } | undefined;

  constructor(ports: AgentPorts) {
    this.#ports = ports;
    this.startedAt = ports.now();
    this.#life = new AgentLife(ports, () => this.look());
    this.#activations = new SimActivations(this.#life);
    this.#upkeep = new SimUpkeep(this.#life);
    const { program } = ports;
    this.#programs = program && new SimProgramChanges(this.#life, program, this.#activations.waiting);
    this.#catchUp();
  }

  get isAlive(): boolean {
    return this.#life.isAlive;
  }

  end(): void {
    this.#life.isAlive = false;
  }

  /** Results of users' ways, taken around a switch, that the coordinator has not been told yet. */
  takeResults(): readonly ProbeResult[] {
    const { results } = this.#life;
    this.#life.results = [];
    return results;
  }

  /** An intent that was kept just before the last agent ended is taken in now. */
  #catchUp(): void {
    const { ledger, intent } = this.#ports.disk;
    if (intent === undefined) return;
    this.#life.trying(() => this.#life.save(catchUp(ledger, intent)));
    if (this.#ports.disk.ledger.memory.generation < intent.generation) this.#owed = intent;
  }

  /** The coordinator's word: kept, then taken in; an agent may end in between. */
  obey(intent: Intent): void {
    const { disk, history } = this.#ports;
    const { memory } = disk.ledger;
    const verdict = history.subject.judgeIntent(memory.generation === 0 ? undefined : memory, intent);
    if (verdict.kind !== "apply" && verdict.kind !== "already-applied") this.#owed = undefined;
    const raises = verdict.kind === "already-applied" && intent.fence > memory.maxFence;
    if (verdict.kind !== "apply" && !raises) return;
    this.#owed = intent;
    this.#life.trying(() => this.#keep(intent));
  }

  #keep(intent: Intent): void {
    const { disk } = this.#ports;
    const before = disk.intent;
    this.#life.keepIntent(intent);
    if (!this.isAlive) return;
    this.#life.save(absorbIntent(disk.ledger, before, intent));
    this.#owed = undefined;
    for (const state of unsettled(disk.ledger)) {
      const lane = this.#life.lanes.get(state.grant.id);
      if (lane !== undefined && wordOn(disk.ledger, intent, state).kind !== "held") lane.isCalledOff = true;
    }
    this.#life.wake(1);
  }

  look(): void {
    if (this.isAlive) this.#life.trying(() => this.#lookOr(() => this.#programs?.carryOnUnseen()));
  }

  #lookOr(unseen: () => void): void {
    try {
      this.#look();
    } catch (error) {
      if (error instanceof KeeperSilent) unseen();
      throw error;
    }
  }

  /** Takes what could not be kept before first: there may be room again. */
  #look(): void {
    if (this.#owed !== undefined) this.obey(this.#owed);
    if (!this.isAlive) return;
    this.#ports.reboots.wake(() => this.isAlive);
    if (!this.isAlive) return;
    const host = this.#life.look();
    if (!this.#hasJudgedStart) this.#firstLook(host);
    this.#hasJudgedStart = true;
    if (!this.isAlive || this.#isAtRest()) return;
    this.#life.isTroubled = false;
    this.#upkeep.noteAbsent(host);
    const isIdle = this.#isSame() && !this.#upkeep.isWaiting;
    this.#settle(host);
    if (!this.isAlive) return;
    this.#upkeep.noticeHands(host);
    for (const { grant } of unsettled(this.#ports.disk.ledger)) {
      this.#life.run(grant.id, (lane) => this.#activations.step(grant.id, lane));
    }
    if (this.isAlive) this.#programs?.carryOn(host);
    if (!isIdle && this.isAlive) this.#upkeep.runLanes();
    if (this.isAlive) this.#installHeld(host);
  }

  /** Grants come first; what they install is not installed ahead. */
  #installHeld({ installed }: ObservedHost): void {
    const { history, disk } = this.#ports;
    if (history.options.installsAhead !== true || unsettled(disk.ledger).length > 0) return;
    if (history.time.now < this.#notInstalledBefore) return;
    const present = new Set(installed);
    const release = disk.intent?.body.units.flatMap(({ hold }) => hold).find(({ digest }) => !present.has(digest));
    if (release === undefined) return;
    this.#life.run("installing ahead", (lane) => this.#install(lane, release));
  }

  /** Nobody waits for it: after a failure the next try is not soon. */
  #install(lane: Lane, release: UnitRelease): void {
    const site = this.#life.site(this.#life.look(), lane, Number.POSITIVE_INFINITY);
    this.#life.give(site, noFacts, [{ kind: "ensure-installed", release }], ({ failures }) => {
      if (failures.length > 0) this.#notInstalledBefore = this.#ports.history.time.now + installAgainMs;
      else this.#ports.history.trace.count("installed ahead");
      this.#life.rest("installing ahead", failures.length > 0 ? undefined : 1);
    });
  }

  /** After a restart of the host only proven releases stay. */
  #firstLook(host: ObservedHost): void {
    const { disk, history, name, now } = this.#ports;
    if (!isColdStart(disk.ledger.processes, host)) return;
    history.trace.add(`${name}: cold start`);
    history.trace.count("cold start");
    this.#upkeep.coldStart();
    this.#life.save(history.subject.interruptAll(disk.ledger, { now: now(), intent: disk.intent, host }));
  }

  /** Nothing has changed since the last look, nothing was left to do then, and that is not long ago. */
  #isAtRest(): boolean {
    const { disk, history } = this.#ports;
    const isRecent = history.time.now - (this.#looked?.at ?? 0) <= idleLookMs;
    const isWaiting = this.#upkeep.isWaiting || this.#life.isTroubled;
    if (!isRecent || !this.#isSame() || isWaiting || unsettled(disk.ledger).length > 0) return false;
    return this.#programs === undefined || unsettledChanges(disk.ledger).length === 0;
  }

  /** Whether processes and documents are those of the last look. */
  #isSame(): boolean {
    const { disk, machine } = this.#ports;
    const last = this.#looked;
    return last?.changes === machine.changes && last.ledger === disk.ledger && last.intent === disk.intent;
  }

  /** Settling again what has not changed would change nothing but ages: that is done now and then. */
  #settle(host: ObservedHost): void {
    const { disk, machine, history, now, onBegun } = this.#ports;
    const at = history.time.now;
    if (this.#isSame() && at - (this.#looked?.at ?? 0) <= idleLookMs) return;
    const before = disk.ledger;
    this.#life.save(history.subject.settleLedger(before, { now: now(), intent: disk.intent, host, obeyGrants: true }));
    for (const id of Object.keys(disk.ledger.activations)) if (before.activations[id] === undefined) onBegun(id);
    this.#looked = { changes: machine.changes, ledger: disk.ledger, intent: disk.intent, at };
  }

  /** What the agent says about its host; built anew only when something it is about has changed. */
  observe(): HostObservation {
    const { disk, name, now } = this.#ports;
    const seen = this.#life.seen ?? { installed: [], slots: [], proxies: [] };
    const { waiting, plans } = this.#activations;
    const bootSeen = this.#ports.reboots.seen;
    const { files } = this.#ports.machine;
    const about = [disk.ledger, disk.intent, seen, plans, this.#programs?.plans, bootSeen, files];
    const told = this.#told;
    if (told !== undefined && about.every((one, index) => told.about[index] === one)) {
      return { ...told.observation, at: now() };
    }
    const agent = { version: "0", startedAt: this.startedAt };
    const { ledger, intent } = disk;
    const observation = buildObservation({
      ...{ host: name, now: now(), agent, ledger, intent, seen, waiting, bootSeen },
      ...(files === undefined ? {} : { found: this.#found(files) }),
      remarks: [],
    });
    this.#told = { observation, about };
    return observation;
  }

  #found({ pairs, since }: NonNullable<AgentPorts["machine"]["files"]>): readonly WatchedCertificate[] {
    const units = Object.keys(this.#ports.disk.ledger.proven) as UnitKey[];
    return units.filter(isPresenter).flatMap((unit) => foundFor(unit, pairs, since));
  }
}
