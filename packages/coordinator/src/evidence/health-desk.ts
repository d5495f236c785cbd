import { setImmediate } from "node:timers/promises";
import {
  countedPlaces,
  type HealthState,
  type HostView,
  hostsToCompare,
  isTested,
  judgeTests,
  nextUntested,
  planTests,
  type SiteDuties,
  startTests,
  testHostSteps,
  trialOf,
  type Untested,
  type Verdict,
} from "@sluice/core";
import type { Clock } from "@sluice/runtime";
import { readHealthState, writeHealthState } from "../store/health-states.ts";
import type { StoredRollout } from "../store/rollouts.ts";
import type { Store } from "../store/store.ts";
import { type EvidenceSources, feedTests, historyOf, type Untils } from "./evidence-feed.ts";

export interface HealthDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly sources: EvidenceSources;
  /** Newest word of each host. */
  readonly hosts: () => Readonly<Record<string, HostView>>;
  /** Hosts of an environment. */
  readonly hostsOf: (environment: string) => readonly string[];
  /** How the sites of a host are looked after by the applied fleet; none for one that has left it. */
  readonly dutiesOf: (host: string) => readonly SiteDuties[];
  /** How they are asked while the rollout is on trial there. */
  readonly askedDutiesOf: (stored: StoredRollout, host: string) => readonly SiteDuties[];
  /** A host is under test from now on: decide again. */
  readonly begun: () => void;
}

const nothingToJudge: Verdict = { kind: "inconclusive", missing: [] };

/**
 * The tests of every rollout under way. Before each decision `advance` takes in what has been counted since, and saves the
 * tests when that changed them: whoever goes on after a crash goes on from the same numbers, and counts nothing twice.
 */
export class HealthDesk implements AsyncDisposable {
  readonly #options: HealthDeskOptions;
  readonly #states = new Map<string, HealthState>();
  /** Up to where each rollout was fed. */
  readonly #fed = new Map<string, Untils>();
  /** Rollouts that begin to test a host at this moment; they are not fed meanwhile. */
  readonly #beginning = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #trouble: unknown;

  constructor(options: HealthDeskOptions) {
    this.#options = options;
  }

  /** Takes in what was counted. Throws a Problem `disk-full` when it cannot be saved; nothing has changed then. */
  advance(stored: StoredRollout): void {
    this.#throwTrouble();
    const { rollout } = stored;
    if (stored.endedAt !== undefined || !isTested(stored) || this.#beginning.has(rollout.id)) return;
    const tests = this.#begun(stored);
    const views = this.#options.hosts();
    const untested = nextUntested(stored, tests, views, this.#options.clock.now());
    if (untested === undefined) this.#feed(stored, tests, views);
    else this.#beginning.set(rollout.id, this.#begin(stored, tests, untested));
  }

  /** The verdict on the hosts on trial, and on all that passed before, as of the newest `advance`. */
  verdictOn(stored: StoredRollout): Verdict {
    const tests = this.#stateOf(stored.rollout.id);
    if (tests === undefined) return nothingToJudge;
    const { clock, dutiesOf } = this.#options;
    return judgeTests(tests, { now: clock.now(), ...trialOf(stored, dutiesOf) });
  }

  /** Forgets what it holds of a rollout that has ended; the tests stay in the store. */
  forget(id: string): void {
    this.#states.delete(id);
    this.#fed.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#beginning.values());
  }

  #stateOf(id: string): HealthState | undefined {
    const known = this.#states.get(id) ?? readHealthState(this.#options.store, id);
    if (known !== undefined) this.#states.set(id, known);
    return known;
  }

  /** What is tested is fixed before the first host changes, so that its weights know of no evidence. */
  #begun(stored: StoredRollout): HealthState {
    const { rollout } = stored;
    const known = this.#stateOf(rollout.id);
    if (known !== undefined) return known;
    const { hostsOf, askedDutiesOf } = this.#options;
    const plan = planTests(rollout, { hostsOf, dutiesOf: (host) => askedDutiesOf(stored, host) });
    return this.#save(rollout.id, startTests(plan));
  }

  #save(id: string, state: HealthState): HealthState {
    this.#options.store.transact((db) => writeHealthState(db, id, state));
    this.#states.set(id, state);
    return state;
  }

  async #begin(stored: StoredRollout, tests: HealthState, { host, since }: Untested): Promise<void> {
    const { id, sites } = stored.rollout;
    try {
      const { sources, dutiesOf, begun } = this.#options;
      const hosts = hostsToCompare(tests, host, (name) => dutiesOf(name).map(({ site }) => site));
      const history = await historyOf(sources, { hosts, sites }, since, this.#stop.signal);
      const steps = testHostSteps(tests, { host, since, history });
      for (let step = steps.next(); ; step = steps.next()) {
        if (this.#stop.signal.aborted) return;
        if (step.done === true) {
          this.#save(id, step.value);
          break;
        }
        await setImmediate();
      }
      this.#beginning.delete(id);
      begun();
    } catch (error) {
      this.#beginning.delete(id);
      if (!this.#stop.signal.aborted) this.#trouble = error;
    }
  }

  /** What went wrong while nobody listened is for the next who decides: a full disk is waited out, the rest is a defect. */
  #throwTrouble(): void {
    const trouble = this.#trouble;
    this.#trouble = undefined;
    if (trouble !== undefined) throw trouble;
  }

  #feed({ rollout }: StoredRollout, tests: HealthState, views: ReturnType<HealthDeskOptions["hosts"]>): void {
    const { sources, clock } = this.#options;
    const places = countedPlaces(tests);
    const hostNames = [...new Set(places.map(({ host }) => host))];
    const awaited = places.filter(({ host }) => views[host]?.connected === true);
    const scope = { hosts: hostNames, sites: rollout.sites, awaited };
    const fed = feedTests(sources, scope, tests, clock.now(), this.#fed.get(rollout.id));
    if (fed === undefined) return;
    this.#save(rollout.id, fed.state);
    this.#fed.set(rollout.id, fed.untils);
  }
}
