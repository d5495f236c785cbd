import {
  type HostObservation,
  type Intent,
  isProgramUnit,
  type Plan,
  type ProbeResult,
  parseUnit,
  type Rollout,
  type RolloutAction,
  type RolloutState,
  type StepState,
  type UnitKey,
} from "@sluice/core";
import { hostUnit, isTouched, pending, placedSteps } from "@sluice/core/rollout/wave";
import { GatePromises } from "./gate-promises.ts";
import { type History, Violation } from "./history.ts";
import type { Behaviour } from "./history-options.ts";
import { isSeenThrough } from "./program-behaviour.ts";
import { type ProgramHost, ProgramPromises } from "./program-promises.ts";
import { type RebootHost, RebootPromises } from "./reboot-promises.ts";
import type { ProbedRound } from "./report.ts";
import type { SimGates } from "./sim-gates.ts";
import { waysOf } from "./simulated-fleet.ts";
import { type ProvenTruth, StepPromises, type StoreTruth } from "./step-promises.ts";
import { WayBackPromises } from "./way-back-promises.ts";

/** What the checks must see of a host to judge it: the truth, not what it reports. */
export interface FleetHost extends RebootHost, ProgramHost, ProvenTruth {
  /** Good results that a release really took part in here, by `digest|binding|hop`. */
  readonly goodResults: ReadonlyMap<string, number>;
  readonly unprovenPair: (unit: UnitKey) => string | undefined;
}

/** Behaviours that no wave may pass with, because they show on a way that is probed before it has soaked. */
const neverPasses: ReadonlySet<Behaviour> = new Set([
  "dies-on-start",
  "bad-before",
  "bad-after",
  "bad-later",
  "misses-binding",
  "misses-binding-later",
]);

/**
 * Checks the promises of the design against the truth of a simulated world, after every event that could break one.
 * It knows more than any part under test: what was granted, what a host obeyed, which store is an old backup.
 */
export class Promises {
  readonly #history: History;
  readonly #hosts: () => readonly FleetHost[];
  /** `host|unit|digest` that may be live there: installed from the start, or granted once. */
  readonly #permitted = new Set<string>();
  readonly #waveOf = new Map<string, { readonly rollout: string; readonly name: string }>();
  /** The wave whose users met a bad release first. */
  readonly #met = new Map<string, string>();
  /** Rollouts of which somebody let a wave pass without evidence. */
  readonly #promoted = new Set<string>();
  readonly #newest = new Map<string, { readonly fence: number; readonly generation: number }>();
  readonly #knowsMoreThanBackup = new Set<string>();
  backupActed = false;
  readonly #wayBack = new WayBackPromises(
    (promise, what) => this.#broken(promise, what),
    (outcome) => this.#history.trace.count(outcome),
  );
  readonly #steps: StepPromises;
  /** What waves wait for. */
  readonly gates: GatePromises;
  /** Hosts that reboot in their turn. */
  readonly reboots: RebootPromises;
  /** Programs of agents and keepers. */
  readonly programs: ProgramPromises;

  constructor(history: History, gates: SimGates, hosts: () => readonly FleetHost[]) {
    this.#history = history;
    this.gates = new GatePromises(history, gates, (promise, what) => this.#broken(promise, what));
    this.#hosts = hosts;
    this.#steps = new StepPromises(history, hosts, (promise, what) => this.#broken(promise, what));
    this.reboots = new RebootPromises(
      history,
      hosts,
      () => this.backupActed,
      (promise, what) => this.#broken(promise, what),
    );
    this.programs = new ProgramPromises(
      history,
      hosts,
      (host, unit, digest) => this.served(host, unit, digest),
      () => this.backupActed,
      (promise, what) => this.#broken(promise, what),
    );
  }

  /** A coordinator heard a host. */
  heard({ host }: HostObservation, results: readonly ProbeResult[], round: ProbedRound): void {
    this.gates.heard(host, results, round);
    this.#steps.heard(host);
  }

  #broken(promise: string, what: string): never {
    this.#history.trace.add(`BROKEN ${promise}: ${what}`);
    throw new Violation(`${promise}: ${what}`);
  }

  begin(host: string, unit: string, digest: string): void {
    this.#permitted.add(`${host}|${unit}|${digest}`);
  }

  /** Promise 11. */
  obeyed(host: string, intent: Intent, fromBackup: boolean): void {
    const { fence, generation } = intent;
    const before = this.#newest.get(host);
    if (before !== undefined && (fence < before.fence || generation < before.generation)) {
      this.#broken("11", `${host} went back from ${before.fence}/${before.generation} to ${fence}/${generation}`);
    }
    if (fromBackup && this.#knowsMoreThanBackup.has(host)) {
      this.#broken("11", `${host} obeys a restored backup although it knows newer words`);
    }
    if (fromBackup) this.backupActed = true;
    this.#newest.set(host, { fence, generation });
    const granted = new Map<string, string>();
    for (const { id, units } of intent.body.grants) {
      for (const { unit, digest } of units) {
        this.#permitted.add(`${host}|${unit}|${digest}`);
        const other = granted.get(unit);
        if (other !== undefined) this.#broken("one rollout a unit", `${host} holds ${other} and ${id} for ${unit}`);
        granted.set(unit, id);
      }
    }
  }

  /** A backup was taken out of use: whoever obeyed since must refuse it when it comes back. */
  obeyedSinceBackup(host: string): void {
    this.#knowsMoreThanBackup.add(host);
  }

  forgetBackup(): void {
    this.#knowsMoreThanBackup.clear();
  }

  /**
   * Promises 1 and 8, whenever users of a host begin to reach a release: somebody granted it, and one that is bad meets
   * the users of one wave at most.
   */
  served(host: string, unit: string, digest: string): void {
    if (!this.#permitted.has(`${host}|${unit}|${digest}`)) {
      this.#broken("1", `${host} lets users reach ${unit} ${digest} that nobody granted`);
    }
    const behaviour = this.#history.behaviours.get(digest) ?? "good";
    const wave = this.#waveOf.get(`${host}|${digest}`);
    const isBad = neverPasses.has(behaviour) || isSeenThrough(this.#history.programs?.get(digest));
    if (!isBad || wave === undefined || this.#promoted.has(wave.rollout)) return;
    const first = this.#met.get(digest);
    if (first === undefined) this.#met.set(digest, wave.name);
    else if (first !== wave.name && !this.backupActed) {
      this.#broken("8", `${digest} (${behaviour}) meets users of ${wave.name} after those of ${first}`);
    }
  }

  /** A rollout is started: which wave each release of it belongs to on each host. */
  started(rollout: Rollout): void {
    for (const [stage, { waves }] of rollout.stages.entries()) {
      for (const [wave, changes] of waves.entries()) {
        for (const { host, units } of changes) {
          const name = `${rollout.id} wave ${stage + 1}.${wave + 1}`;
          for (const { to, from } of units) {
            if (to !== from) this.#waveOf.set(`${host}|${to}`, { rollout: rollout.id, name });
          }
        }
      }
    }
  }

  /** The cap, and that a withdrawn grant is over, whenever an activation starts. A backup that acts keeps neither. */
  activates(host: FleetHost, grant: string, isOver: boolean): void {
    if (this.backupActed) return;
    if (isOver) this.#broken("withdrawal", `${host.name} begins ${grant} after the coordinator held it for withdrawn`);
    this.reboots.activates(host.name, grant);
    for (const site of host.activatingForwards) {
      const busy = this.#hosts().filter(
        (other) => other.environment === host.environment && other.activatingForwards.has(site),
      );
      if (busy.length > this.#history.options.maxUnavailable) {
        this.#broken("maxUnavailable", `${busy.map(({ name }) => name).join(", ")} activate ${site} at once`);
      }
    }
  }

  /** Promises 7, 8 and 12, whenever a rollout was planned. */
  planned(rollout: Rollout, before: RolloutState, plan: Plan, truth: StoreTruth): void {
    const { next: after, actions, waitingOn } = plan;
    const promoted = before.phase === "observing" && before.promoted !== undefined;
    if (promoted) this.#promoted.add(rollout.id);
    for (const action of actions) {
      if (action.kind === "record-proven") this.#notePrograms(action);
      if (action.kind === "record-proven" && after.phase !== "reverting" && before.phase === "observing" && !promoted) {
        this.#passedFairly(rollout, action.host, action.units);
      }
    }
    if (before.phase === "observing") this.#provesWhatPassed(rollout, before, after, actions);
    this.#wavesInOrder(rollout, after);
    this.#skipsUntouched(rollout, before, after);
    this.#revertsOnlyWithCause(rollout, before, after);
    this.reboots.planned(rollout, before, after);
    if (!this.backupActed) this.#wayBack.planned(rollout, before, after);
    if (!this.backupActed) this.#steps.planned(rollout, before, plan, truth);
    const still = before.phase === after.phase && !["completed", "reverted", "aborted"].includes(after.phase);
    if (still && waitingOn.length === 0) this.#broken("12", `rollout ${rollout.id} is ${after.phase} without a reason`);
  }

  /** What passed is what a restart brings back from then on: else its hosts would go back to the release before. */
  #provesWhatPassed(
    rollout: Rollout,
    before: RolloutState,
    after: RolloutState,
    actions: readonly RolloutAction[],
  ): void {
    for (const { change, step } of placedSteps(rollout, after.steps)) {
      if (step.kind !== "passed" || before.steps[change.host]?.kind === "passed") continue;
      const recorded = actions.flatMap((action) =>
        action.kind === "record-proven" && action.host === change.host ? action.units : [],
      );
      const lost = change.units.find(({ unit, to }) => !recorded.some((one) => one.unit === unit && one.digest === to));
      if (lost !== undefined)
        this.#broken("2", `${rollout.id} passed on ${change.host}, ${lost.to} is not kept as proven`);
    }
  }

  #notePrograms({ host, units }: Extract<RolloutAction, { kind: "record-proven" }>): void {
    for (const { unit, digest } of units)
      if (isProgramUnit(unit as UnitKey) && digest !== undefined) this.programs.isProven(host, digest, false);
  }

  #passedFairly(
    rollout: Rollout,
    name: string,
    units: Extract<RolloutAction, { kind: "record-proven" }>["units"],
  ): void {
    const host = this.#hosts().find((one) => one.name === name);
    for (const { unit, digest } of units) {
      const parsed = parseUnit(unit as UnitKey);
      if (isProgramUnit(unit as UnitKey)) this.programs.isProven(name, digest ?? "", true);
      if (isProgramUnit(unit as UnitKey)) continue;
      const pair = host?.unprovenPair(unit as UnitKey);
      if (pair !== undefined && this.#history.pairs?.get(pair) === "untrusted")
        this.#broken("7", `${rollout.id} passed on ${name} with ${pair}, which nobody trusts`);
      const sites = "site" in parsed ? [parsed.site] : rollout.sites;
      for (const { binding, hop } of sites.flatMap(waysOf)) {
        if (parsed.kind === "front" && hop === "proxy") continue;
        const good = host?.goodResults.get(`${digest}|${binding}|${hop}`) ?? 0;
        if (good >= 3) continue;
        this.#broken(
          "7",
          `${rollout.id} passed on ${name}: ${digest} answered ${binding} via ${hop} well ${good} times`,
        );
      }
    }
  }

  /** A wave goes on without a host only if it has left that alone, and never without all of them. */
  #skipsUntouched(rollout: Rollout, before: RolloutState, after: RolloutState): void {
    for (const wave of rollout.stages.flatMap(({ waves }) => waves)) {
      const skipped = wave.filter(({ host }) => after.steps[host]?.kind === "skipped");
      if (skipped.length > 0 && skipped.length === wave.length)
        this.#broken("lost", `${rollout.id} skips a whole wave`);
      for (const { host } of skipped) {
        const was = before.steps[host] ?? pending;
        if (isTouched(was)) this.#broken("lost", `${rollout.id} skips ${host}, which is ${was.kind}`);
        if (was.kind === "pending") this.#history.trace.count("skipped");
      }
    }
  }

  /** A host that comes late gets only what every host has that its rollout passed on. */
  follows({ id, stages }: Rollout, proven: Readonly<Record<string, string>>): void {
    // The environment was approved for all of its hosts.
    this.gates.overridden(id, "approval", { stage: 0, wave: 0 });
    for (const { environment, waves } of stages) {
      for (const { host, units } of waves.flat()) {
        const peers = this.#hosts().filter((one) => one.environment === environment && one.name !== host);
        for (const { unit, to } of units) {
          if (!peers.some(({ name }) => proven[hostUnit(name, unit)] === to) && !this.backupActed)
            this.#broken("late", `${id} brings ${host} ${to}, which nobody else has for proven`);
        }
      }
    }
  }

  #wavesInOrder(rollout: Rollout, state: RolloutState): void {
    let unfinished: string | undefined;
    for (const { waves } of rollout.stages) {
      for (const wave of waves) {
        for (const { host } of wave) {
          if (isTouched(state.steps[host] ?? pending) && unfinished !== undefined)
            this.#broken("8", `${rollout.id} touches ${host} before ${unfinished} passed`);
        }
        unfinished ??=
          state.phase === "reverting" ||
          state.phase === "reverted" ||
          state.phase === "held" ||
          state.phase === "aborted"
            ? undefined
            : wave.find(({ host }) => !isSettledFor(state.steps[host]))?.host;
      }
    }
  }

  /** Silence destroys nothing: what passed goes back only for a reason that somebody reported. */
  #revertsOnlyWithCause(rollout: Rollout, before: RolloutState, after: RolloutState): void {
    if (after.phase !== "reverting" || after.cause.kind !== "deadline") return;
    const touched = placedSteps(rollout, after.steps).find(
      ({ change, step }) => step.kind === "reverting" && before.steps[change.host]?.kind === "passed",
    );
    if (touched !== undefined)
      this.#broken("silence", `${rollout.id} takes back ${touched.change.host} because nobody spoke`);
  }
}

const isSettledFor = (step: StepState = pending): boolean => step.kind === "passed" || step.kind === "skipped";
