import {
  adoptHost,
  applyVerb,
  findUnheard,
  type GateFacts,
  gateNames,
  type HostView,
  type Intent,
  type IntentBody,
  type OperatorVerb,
  othersOf,
  overrideGate,
  type PlanInput,
  planRollout,
  type Rollout,
  type RolloutAction,
  startRollout,
} from "@sluice/core";
import { releaseIn } from "@sluice/core/rollout/way-back";
import { type History, simulatedDigest } from "./history.ts";
import type { Promises } from "./promises.ts";
import { beatMs, type Report } from "./report.ts";
import type { SimGates } from "./sim-gates.ts";
import { SimHealth } from "./sim-health.ts";
import { dutiesOf, simulatedRelease, siteNames } from "./simulated-fleet.ts";
import type { Place, Store } from "./store.ts";

const duties = siteNames.map(dutiesOf);

/** A process ends here and now; what it saved before is saved. */
class Died extends Error {}

const silentAfterMs = 3 * beatMs;

interface Heard {
  readonly at: number;
  readonly observation: Report["observation"];
}

interface Told {
  readonly body: IntentBody;
  readonly digest: string;
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
  readonly #health: SimHealth;
  #refusesBecause: string | undefined;
  isAlive = true;

  constructor(
    history: History,
    promises: Promises,
    places: readonly Place[],
    gates: SimGates,
    given: { readonly store: Store; readonly isBackup: boolean; readonly adopts: boolean },
    send: (host: string, intent: Intent) => void,
  ) {
    this.#history = history;
    this.#promises = promises;
    this.#places = places;
    this.#gates = gates;
    this.#send = send;
    this.store = given.store;
    this.isBackup = given.isBackup;
    this.#health = new SimHealth(history, places, given.store);
    this.adopts = given.adopts;
    this.#startedAt = history.time.now;
    this.store.fence++;
    history.trace.add(`coordinator leads with fence ${this.store.fence}${given.isBackup ? " from a backup" : ""}`);
  }

  receive(report: Report): void {
    if (!this.isAlive) return;
    const { observation, results } = report;
    const before = this.#heard.get(observation.host);
    if (before === undefined || observation.at > before.observation.at) {
      this.#heard.set(observation.host, { at: this.#history.time.now, observation });
    }
    for (const { binding, hop, outcome } of results) {
      if (hop !== "slot" && hop !== "edge" && outcome.kind !== "unknown")
        this.#promises.gates.heard(observation.host, binding);
    }
    this.#health.count(observation.host, results);
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
    if (this.adopts && issued !== undefined) {
      const own = adoptHost({ fence: this.store.fence, generation: issued.generation }, memory);
      this.store.fence = own.fence;
      this.store.issued[host] = { ...issued, ...own, digest: "adopted" };
      return;
    }
    if (this.#refusesBecause === undefined) this.#history.trace.add(`coordinator refuses to lead: ${verdict.sentence}`);
    this.#refusesBecause = verdict.sentence;
  }

  tick(): void {
    if (!this.isAlive || this.#refusesBecause !== undefined) return;
    if (this.#history.time.now - this.#startedAt < 2 * beatMs) return;
    try {
      for (const entry of this.store.rollouts) this.#planRollout(entry);
      for (const place of this.#places) this.#issue(place);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.isAlive = false;
      this.#history.trace.add("coordinator dies right after saving");
    }
  }

  #mayDie(): void {
    if (!this.#history.calm && this.#history.prng.chance(this.#history.options.crashAfterSave)) throw new Died();
  }

  #planRollout(entry: Store["rollouts"][number]): void {
    for (let round = 0; round < 5; round++) {
      const before = entry.state;
      if (before.phase === "completed" || before.phase === "reverted") {
        delete this.store.health[entry.rollout.id];
        return;
      }
      this.#health.advance(entry, this.#views());
      const plan = this.#history.subject.planRollout(this.#input(entry));
      this.#promises.planned(entry.rollout, before, plan.next, plan.actions, plan.waitingOn);
      if (before.phase === "waiting-for-gates" && plan.next.phase === "activating")
        this.#promises.gates.starts(entry.rollout, before, { proven: this.#provenByHostUnit() });
      if (JSON.stringify(plan.next) === JSON.stringify(before)) return;
      entry.state = plan.next;
      this.#told.clear();
      for (const action of plan.actions) {
        if (action.kind === "record-proven") this.#recordProven(action.host, action.units);
        else if (action.kind === "record-verdict") this.#recordVerdict(action);
        else this.#history.trace.add(`page: ${action.sentence}`);
      }
      if (plan.next.phase !== before.phase) this.#history.trace.add(`${entry.rollout.id} is ${plan.next.phase}`);
      this.#mayDie();
    }
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

  #input(entry: Store["rollouts"][number]): PlanInput {
    const hosts = this.#views();
    return {
      now: this.#history.time.now,
      rollout: entry.rollout,
      state: entry.state,
      hosts,
      verdict: this.#health.verdict(entry),
      others: othersOf(entry.rollout.id, this.store.rollouts, hosts),
      gates: { ...this.#gates.facts(this.#history.time.now), unheard: this.#unheard(entry) },
      fleet: { hosts: this.#places.length, silent: this.#places.filter(({ name }) => !this.#isConnected(name)).length },
      proven: this.#provenByHostUnit(),
      badReleases: this.store.bad,
    };
  }

  /** Silent ways into the hosts of the wave that waits, as they are probed now. */
  #unheard({ rollout, state }: Store["rollouts"][number]): GateFacts["unheard"] {
    if (state.phase !== "waiting-for-gates" || this.#history.options.gates === undefined) return [];
    const wave = rollout.stages[state.at.stage]?.waves[state.at.wave] ?? [];
    return wave.flatMap(({ host }) =>
      findUnheard({
        now: this.#history.time.now,
        heardAt: ({ binding, hop }) => this.#health.heardAt(host, binding, hop),
        host,
        duties: duties.filter(
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
    return Object.fromEntries(this.#places.map(({ name }) => [name, this.#view(name)]));
  }

  #view(host: string): HostView {
    const observation = this.#heard.get(host)?.observation;
    if (observation === undefined) return { connected: false };
    const issued = this.store.issued[host];
    const { comparesTextOnly } = this.#history.subject.coordinator;
    const isNewest = comparesTextOnly === true || issued?.generation === observation.generation;
    const upToDate =
      isNewest && issued?.digest === observation.intentDigest && this.#toTell(host).digest === issued.digest;
    return { connected: this.#isConnected(host), observation, upToDate };
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
    const body = this.#body(host);
    const told = { body, digest: simulatedDigest(JSON.stringify(body)) };
    this.#told.set(host, told);
    return told;
  }

  #body(host: string): IntentBody {
    return this.#history.subject.deriveIntentBody({
      host,
      environment: "production",
      unconfirmed: "revert",
      duties,
      desired: this.store.desired[host] ?? {},
      proven: this.store.proven[host] ?? {},
      holds: {},
      rollouts: this.store.rollouts,
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
    this.store.issued[name] = intent;
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
    this.#told.clear();
  }

  /** An operator says something about a rollout; refusals are part of life. */
  tell(index: number, verb: OperatorVerb, role?: string, by = "operator"): void {
    const entry = this.store.rollouts[index];
    if (!this.isAlive || entry === undefined) return;
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
    this.#told.clear();
  }

  /** An operator opens every gate that keeps the rollout waiting. */
  overrideClosed(index: number): void {
    const entry = this.store.rollouts[index];
    if (!this.isAlive || entry?.state.phase !== "waiting-for-gates") return;
    const input = this.#input(entry);
    const { at } = entry.state;
    for (const { gate, state } of planRollout(input).gates ?? []) {
      const name = gateNames.find((one) => one === gate);
      if (state !== "closed" || name === undefined) continue;
      const context = { by: "operator", reason: "simulated", now: this.#history.time.now };
      const outcome = overrideGate({ ...input, rollout: entry.rollout }, name, context);
      if ("refusal" in outcome) continue;
      entry.rollout = outcome.rollout;
      this.#history.trace.add(`operator: overrides ${name} of ${entry.rollout.id}`);
      this.#history.trace.count(`override ${name}`);
      this.#promises.gates.overridden(entry.rollout.id, name, at);
    }
  }

  /** What an operator's halt of everything, or its end, makes of every rollout. */
  changeAll(next: (entry: Store["rollouts"][number]) => Store["rollouts"][number]["state"] | undefined): void {
    for (const entry of this.store.rollouts) entry.state = next(entry) ?? entry.state;
    this.#told.clear();
  }
}
