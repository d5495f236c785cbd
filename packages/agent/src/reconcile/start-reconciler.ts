import type { ActivationFacts, ActivationState, Intent, ObservedHost, ProbeResult } from "@sluice/core";
import { isSettled } from "@sluice/core/activation/describe-activation";
import { describeDrift, driftPolicyFor } from "@sluice/core/host/drift";
import { sameJson } from "@sluice/core/units/same-json";
import { durationMs } from "@sluice/core/units/time";
import type { Clock, Running } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import { noFacts } from "../activation/carry-out.ts";
import { interruptAll } from "../activation/interrupt-all.ts";
import { stepActivation, wordOn, wordOnChange } from "../activation/step-activation.ts";
import { findHandChanges, type RanBefore } from "../drift/find-hand-changes.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import type { KeeperPatience } from "../keeper/keeper-patience.ts";
import type { HostMemory } from "../ledger/host-memory.ts";
import { ProgramChanges } from "../program/program-changes.ts";
import { Admission } from "./admission.ts";
import { HeldReleases } from "./held-releases.ts";
import type { HostDrivers } from "./host-drivers.ts";
import { type HostLook, HostLooks } from "./host-looks.ts";
import { IntentInbox } from "./intent-inbox.ts";
import { isAtRest } from "./is-at-rest.ts";
import type { Judgement } from "./judgement.ts";
import { Lanes } from "./lanes.ts";
import { changesOf, sitesOf, unsettled, unsettledChanges } from "./live-units.ts";
import type { UpkeepInput } from "./plan-upkeep.ts";
import { ReleasePruner } from "./release-pruner.ts";
import { settleLedger } from "./settle-ledger.ts";
import { StartDoubts } from "./start-doubts.ts";
import { needsUpkeep, noteAbsent, stepUpkeep, type UpkeepNotes, upkeepInput } from "./step-upkeep.ts";
import { Troubles } from "./troubles.ts";

export interface ReconcilerOptions {
  readonly host: string;
  readonly drivers: HostDrivers;
  readonly memory: HostMemory;
  readonly clock: Clock;
  readonly log: Log;
  /** Something that the host says of itself may have changed. */
  readonly onChanged: () => void;
  /** Probe results of users' ways, taken around a switch. */
  readonly onResults: (results: readonly ProbeResult[]) => void;
  /** A unit of the site is switched or back: ask everything at once. */
  readonly onSwitched: (sites: readonly string[]) => void;
  /** What somebody has done to the processes of this host and that is not as it was yet; told with every look. */
  readonly onHandChanges: (found: readonly FoundDrift[]) => void;
  /** Told of files of a release that were put back before it was started. */
  readonly onHealed?: (found: readonly FoundDrift[]) => void;
  /** The coordinator hears this agent; absent: nobody asks. */
  readonly isConnected?: () => boolean;
  /** Told after every look, whatever came of it: the agent goes about its work. */
  readonly onLooked?: (() => void) | undefined;
  /** This process has to make room for another program of the agent. */
  readonly onChangeOver?: () => void;
  /** With a keeper that does not answer; the usual one when absent. */
  readonly patience?: KeeperPatience | undefined;
}

export interface Reconciler extends Running {
  /** Resolves when the intent is on disk and being worked towards, or refused. */
  obey(intent: Intent): Promise<Judgement>;
  /** Something may have changed: look at once. */
  wake(): void;
  /** The newest look at the host; undefined before the first. The same object as long as it shows the same. */
  readonly seen: ObservedHost | undefined;
  /** Why nothing moves, by grant id or by `site:`/`front` lane. */
  readonly waiting: ReadonlyMap<string, readonly string[]>;
  readonly remarks: readonly string[];
  /** True when the agent's own copy of the intent is lost and it wants it again. */
  readonly wantsIntent: boolean;
  /** No activation and nothing else is under way: files stay as they are but by somebody's hand. */
  readonly isQuiet: boolean;
}

/** How often everything is looked at when nothing wakes us: the longest a missed hint can cost. */
const lookEveryMs = durationMs(1000);
/**
 * The same while nothing is under way: a host at rest is left in peace, for the keeper tells at once when a process ends, and probes
 * notice what does not answer in rounds of the same length.
 */
const restEveryMs = durationMs(10_000);

/** Works until the host is as its intent wants it. Stopping it touches nothing that runs. */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  return new ReconcileLoop(options);
}

class ReconcileLoop implements Reconciler {
  readonly done: Promise<void>;
  readonly waiting = new Map<string, readonly string[]>();
  readonly #options: ReconcilerOptions;
  readonly #stop = new AbortController();
  readonly #looks: HostLooks;
  readonly #doubts: StartDoubts;
  readonly #admission = new Admission();
  readonly #lanes: Lanes;
  readonly #inbox: IntentInbox;
  readonly #pruner: ReleasePruner;
  readonly #held: HeldReleases;
  readonly #troubles: Troubles;
  readonly #changes: ProgramChanges;
  readonly #watch: Running;
  readonly #notes: UpkeepNotes = { ready: new Set(), unready: new Set(), absentSince: {}, cold: false };
  #facts = new Map<string, ActivationFacts>();
  #woken = Promise.withResolvers<void>();
  #seen: ObservedHost | undefined;
  #seenAskedAt = 0;
  #ran: RanBefore | undefined;

  constructor(options: ReconcilerOptions) {
    const { host, drivers, memory, clock, log, onChanged } = options;
    this.#options = options;
    const troubles = new Troubles(log);
    this.#troubles = troubles;
    this.#looks = new HostLooks(drivers, clock);
    this.#doubts = new StartDoubts(clock);
    this.#inbox = new IntentInbox({
      host,
      memory,
      log,
      troubles,
      onTaken: () => this.#taken(),
      onRefused: onChanged,
    });
    this.#pruner = new ReleasePruner(drivers, memory, () => [this.#seen?.agent?.digest, this.#seen?.keeper?.digest]);
    this.#held = new HeldReleases(drivers.installer, memory, clock);
    this.#lanes = new Lanes(clock, this.#stop.signal, {
      error: (lane, error) => this.#troubles.note(lane, error),
      calledOff: () => this.wake(),
    });
    this.#changes = new ProgramChanges({
      ...{ drivers, memory, clock, log, looks: this.#looks, lanes: this.#lanes, waiting: this.waiting },
      isConnected: options.isConnected ?? (() => false),
      onHealed: options.onHealed ?? (() => undefined),
      onMoved: () => this.wake(),
      onStep: (_from, _plan, look) => {
        if (look !== undefined) this.#note(look);
        onChanged();
      },
      onChangeOver: options.onChangeOver ?? (() => undefined),
      patience: options.patience,
    });
    this.#watch = drivers.watch({ moved: () => this.wake(), lost: () => this.#doubt() });
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  get seen(): ObservedHost | undefined {
    return this.#seen;
  }

  get wantsIntent(): boolean {
    return this.#inbox.wantsIntent;
  }

  get isQuiet(): boolean {
    return this.#lanes.isIdle && isAtRest(this.#options.memory.ledger, this.#seen);
  }

  get remarks(): readonly string[] {
    return [...this.#options.memory.corrupt, ...this.#troubles.sentences];
  }

  wake(): void {
    this.#woken.resolve();
  }

  obey(intent: Intent): Promise<Judgement> {
    return this.#inbox.take(intent);
  }

  /** Work for a grant that is no longer held ends at once, however long it would take. */
  #taken(): void {
    const { ledger, intent } = this.#options.memory;
    for (const state of unsettled(ledger)) {
      if (wordOn(ledger, intent, state).kind !== "held") this.#lanes.callOff(state.grant.id);
    }
    for (const change of unsettledChanges(ledger)) {
      if (wordOnChange(ledger, intent, change).kind !== "held") this.#lanes.callOff(change.grant.id);
    }
    this.#options.onChanged();
    this.wake();
  }

  /** Nothing goes on by what was known before, until it is known whether the host has restarted. */
  #doubt(): void {
    this.#doubts.raise();
    this.#lanes.callOffAll();
    this.wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { memory, log } = this.#options;
    for (const sentence of memory.corrupt) log.error({ sentence }, "memory.corrupt");
    await this.#inbox.catchUp().catch((error) => this.#troubles.note("memory", error));
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers();
      await this.#look().then(
        () => this.#troubles.over("look"),
        (error) => {
          this.#troubles.note("look", error);
          this.#changes.carryOnUnseen();
        },
      );
      this.#options.onChanged();
      this.#options.onLooked?.();
      if (signal.aborted) break;
      await this.#pause();
    }
    await this.#lanes.ended();
  }

  async #pause(): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#stop.signal]);
    const unclear = this.#troubles.sentences.length > 0 || Object.keys(this.#notes.absentSince).length > 0;
    const everyMs = !unclear && isAtRest(this.#options.memory.ledger, this.#seen) ? restEveryMs : lookEveryMs;
    const timer = this.#options.clock.sleep(everyMs, signal).catch(() => undefined);
    await Promise.race([timer, this.#woken.promise]);
    over.abort();
  }

  async #look(): Promise<void> {
    const { memory, clock } = this.#options;
    await this.#inbox.takeOwed();
    const { raised } = this.#doubts;
    const look = await this.#looks.fresh();
    const { host } = look;
    const start = this.#doubts.judge(raised, memory.ledger.processes, host);
    if (start === "unclear") return;
    if (start === "cold") await this.#beginCold(host);
    this.#doubts.settle(raised);
    this.#note(look);
    noteAbsent(this.#notes, memory.ledger, host, clock.now());
    const input = { now: clock.now(), intent: memory.intent, host, obeyGrants: this.#inbox.obeysGrants };
    await memory.update((ledger) => settleLedger(ledger, input));
    await this.#noticeHands(host);
    await this.#spawnLanes(host);
    this.#installHeld(host);
    await this.#pruner.prune();
  }

  /** Lanes look as well: what a step decided is told together with the look that it was decided by, never with an older one. */
  #note({ host, askedAt }: HostLook): void {
    if (this.#seen !== undefined && askedAt < this.#seenAskedAt) return;
    if (!sameJson(this.#seen, host)) this.#seen = host;
    this.#seenAskedAt = askedAt;
  }

  /** After a restart of the host only proven releases stay (promise 2). */
  async #beginCold(host: ObservedHost): Promise<void> {
    const { memory, log, clock } = this.#options;
    log.warn({}, "agent.cold-start");
    this.#notes.cold = true;
    this.#facts.clear();
    // One write: an agent that ends right here must not find a host that looks as if it had never restarted.
    await memory.update((ledger) => interruptAll(ledger, { now: clock.now(), intent: memory.intent, host }));
  }

  /** Before anything is put right: what is put right at once would never be told. */
  async #noticeHands(host: ObservedHost): Promise<void> {
    const { memory, clock, onHandChanges } = this.#options;
    const input = upkeepInput(this.#options, this.#notes, host);
    const found = findHandChanges(input, this.#ran);
    this.#ran = { host, busy: input.busy, missing: found };
    onHandChanges(found);
    const isLeft = ({ about }: FoundDrift) => driftPolicyFor(memory.intent?.body, about) === "report";
    const left = found.filter((one) => one.kind === "slot-switched" && isLeft(one));
    if (left.length === 0) return;
    const notes = left.map((one) => [one.about, { sentence: describeDrift(one), at: clock.now() }] as const);
    await memory.update((ledger) => ({ ...ledger, drifts: { ...Object.fromEntries(notes), ...ledger.drifts } }));
  }

  async #spawnLanes(host: ObservedHost): Promise<void> {
    const { ledger } = this.#options.memory;
    for (const { grant } of unsettled(ledger)) this.#lanes.run(grant.id, (signal) => this.#stepGrant(grant.id, signal));
    const input = upkeepInput(this.#options, this.#notes, host);
    for (const site of Object.keys(ledger.duties)) await this.#keepUp(`site:${site}`, { site }, input);
    await this.#keepUp("front", "front", input);
    await this.#changes.carryOn(host);
    const known = new Set([...Object.keys(ledger.activations), ...Object.keys(changesOf(ledger))]);
    for (const id of this.#facts.keys()) if (!known.has(id)) this.#facts.delete(id);
    for (const id of this.waiting.keys()) if (!known.has(id)) this.waiting.delete(id);
  }

  /** Grants come first: they install what they need themselves. */
  #installHeld({ installed }: ObservedHost): void {
    const lane = "installing ahead";
    const release = this.#held.missing(installed);
    if (release === undefined) this.#troubles.over(lane);
    if (release === undefined || !this.#held.isDue || unsettled(this.#options.memory.ledger).length > 0) return;
    this.#lanes.run(lane, async (signal) => {
      await this.#held.install(release, signal);
      this.#troubles.over(lane);
      this.wake();
      return false;
    });
  }

  async #keepUp(lane: string, what: { readonly site: string } | "front", input: UpkeepInput): Promise<void> {
    if (needsUpkeep(input, what)) {
      this.#lanes.run(lane, (signal) => this.#stepUpkeep(lane, what, signal));
      return;
    }
    if (!this.#lanes.isBusy(lane)) this.#troubles.over(lane);
    await this.#forgetSite(what);
  }

  async #stepGrant(id: string, signal: AbortSignal): Promise<boolean> {
    const { drivers, memory, clock, onResults, onHealed = () => undefined } = this.#options;
    const before = memory.ledger.activations[id];
    const refusal = before === undefined ? undefined : this.#refusal(before);
    if (refusal !== undefined) {
      this.waiting.set(id, [refusal]);
      return false;
    }
    const ports = { drivers, looks: this.#looks, memory, clock, onResults, onHealed, onStep: this.#stepped };
    const step = await stepActivation(ports, id, this.#facts.get(id) ?? noFacts, signal);
    this.#facts.set(id, step.facts);
    const state = memory.ledger.activations[id];
    // What was installed waits for its turn by a look that shows it.
    const mayHaveToWait = before?.phase === "installing" && state?.phase === "installing";
    if (state !== undefined && (isSettled(state) || (step.moved && mayHaveToWait))) this.wake();
    return step.moved && state !== undefined && !isSettled(state) && !mayHaveToWait;
  }

  #refusal(state: ActivationState): string | undefined {
    const { ledger, intent } = this.#options.memory;
    const isHeld = wordOn(ledger, intent, state).kind === "held";
    return this.#admission.refusal({ state, ledger, seen: this.#seen, isHeld, now: this.#options.clock.now() });
  }

  readonly #stepped = (
    from: ActivationState,
    { next, waitingOn }: { readonly next: ActivationState; readonly waitingOn: readonly string[] },
    look: HostLook,
  ): void => {
    this.#note(look);
    const { log, onChanged, onSwitched } = this.#options;
    const { id } = next.grant;
    this.waiting.set(id, waitingOn);
    if (next.phase !== from.phase) {
      const end = "end" in next ? { end: next.end } : {};
      log.info({ grant: id, from: from.phase, to: next.phase, ...end }, "activation.moved");
      if (next.phase === "provisional" || next.phase === "clearing") {
        onSwitched(sitesOf(next));
        // Another one may go on.
        this.wake();
      }
    }
    onChanged();
  };

  async #stepUpkeep(lane: string, what: { readonly site: string } | "front", signal: AbortSignal): Promise<boolean> {
    const { drivers, memory, clock, log } = this.#options;
    const onAct = (unit: string, actions: readonly { readonly kind: string }[]) =>
      log.info({ unit, actions: actions.map(({ kind }) => kind) }, "upkeep.acting");
    const ports = { drivers, looks: this.#looks, memory, clock, onAct };
    const step = await stepUpkeep(ports, what, this.#notes, signal);
    if (step.failure === undefined) this.#troubles.over(lane);
    else this.#troubles.note(lane, step.failure);
    if (step.moved) this.wake();
    return step.moved;
  }

  /** A site that the intent no longer names and of which nothing runs any more needs no looking after. */
  async #forgetSite(what: { readonly site: string } | "front"): Promise<void> {
    const { memory } = this.#options;
    const { intent, ledger } = memory;
    if (what === "front" || intent === undefined || ledger.duties[what.site] === undefined) return;
    const { site } = what;
    const named = intent.body.sites.some((one) => one.site === site);
    const running = this.#seen?.slots.some((seen) => seen.site === site) ?? true;
    const busy = unsettled(ledger).some((state) => sitesOf(state).includes(site));
    if (named || running || busy) return;
    await memory.update(({ duties: { [site]: _, ...duties }, ...rest }) => ({ ...rest, duties }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#watch[Symbol.asyncDispose]();
    await this.done.catch(() => undefined);
  }
}
