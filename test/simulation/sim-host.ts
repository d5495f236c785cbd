import {
  type Grant,
  type GrantProgress,
  type Instant,
  type Intent,
  type IntentBody,
  instant,
  type ProbeBatch,
  type UnitKey,
} from "@sluice/core";
import type { History } from "./history.ts";
import { beatMs, type Disk, heldUnits, observeHost, type Report } from "./observe-host.ts";
import type { HostTruth, Promises } from "./promises.ts";
import { type ActivationOutcome, SimActivation } from "./sim-activation.ts";
import { SimProber } from "./sim-prober.ts";

/** How long an agent that may do so goes on speaking of a grant that is over. */
const outcomeKeptMs = 60_000;

/**
 * A host in a simulated world: a disk, processes that outlive the agent, and an agent that shares the decisions on
 * intents with the real one and models activations as: prepare, switch everything at once, probe.
 */
export class SimHost implements HostTruth {
  readonly name: string;
  readonly environment: string;
  readonly running = new Map<string, string>();
  readonly #history: History;
  readonly #promises: Promises;
  readonly #send: (report: Report) => void;
  readonly #isOver: (rollout: string) => boolean;
  readonly #disk: Disk = {
    memory: undefined,
    body: undefined,
    proven: new Map(),
    outcomes: new Map(),
    journal: new Map(),
  };
  readonly #prober: SimProber;
  readonly #activation: SimActivation;
  readonly #skewMs: number;
  #isUp = true;
  /** Grows with every start of the agent: what an earlier one had begun is forgotten. */
  #life = 0;
  #startedAt: Instant;
  #seq = 0;

  constructor(
    history: History,
    promises: Promises,
    place: { readonly name: string; readonly environment: string },
    ports: { readonly send: (report: Report) => void; readonly isOver: (rollout: string) => boolean },
  ) {
    this.#history = history;
    this.#promises = promises;
    this.name = place.name;
    this.environment = place.environment;
    this.#send = ports.send;
    this.#isOver = ports.isOver;
    this.#prober = new SimProber(history, place.name);
    this.#activation = new SimActivation(history, {
      switch: (grant) => this.#switch(grant),
      end: (grant, outcome) => this.#end(grant, outcome),
    });
    this.#skewMs = history.prng.whole(-2000, 2000);
    this.#startedAt = this.#now;
  }

  get activatingForwards(): ReadonlySet<string> {
    return this.#activation.forwards;
  }

  get goodResults(): ReadonlyMap<string, number> {
    return this.#prober.goodResults;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get proven(): ReadonlyMap<string, string> {
    return this.#disk.proven;
  }

  /** A host that has been there for long. */
  begin(units: readonly { readonly unit: UnitKey; readonly digest: string }[]): void {
    for (const { unit, digest } of units) {
      this.#promises.begin(this.name, unit, digest);
      this.#disk.proven.set(unit, digest);
      this.#run(unit, digest);
    }
    this.#beatLater(this.#history.prng.whole(0, beatMs));
  }

  get #now(): Instant {
    return instant(this.#history.time.now + this.#skewMs);
  }

  #say(line: string): void {
    this.#history.trace.add(`${this.name}: ${line}`);
  }

  #run(unit: string, digest: string | undefined): void {
    if (digest === undefined) this.running.delete(unit);
    else this.running.set(unit, digest);
    this.#prober.switched(unit);
  }

  crash(downMs: number): void {
    if (!this.#isUp) return;
    this.#say("agent crashes");
    this.#isUp = false;
    this.#life++;
    this.#activation.stop();
    this.#history.time.after(downMs, () => this.#start());
  }

  reboot(downMs: number): void {
    if (!this.#isUp) return;
    this.#say("host reboots");
    this.#isUp = false;
    this.#life++;
    this.#activation.stop();
    this.running.clear();
    this.#history.time.after(downMs, () => {
      this.#boot();
      this.#start();
    });
  }

  #boot(): void {
    const { body, proven, outcomes } = this.#disk;
    for (const [unit, digest] of proven) this.#run(unit, digest);
    if (this.#history.subject.agent.bootsNewest) {
      for (const { unit, desired } of body?.units ?? []) if (desired !== undefined) this.#run(unit, desired);
    }
    for (const outcome of outcomes.values()) {
      if (outcome.progress.kind === "provisional") this.#cutOff(outcome.grant, "crashed", "the host restarted");
    }
    this.#promises.rebooted(this);
    this.#promises.runs(this);
  }

  #start(): void {
    this.#isUp = true;
    this.#startedAt = this.#now;
    this.#seq = 0;
    this.#say("agent starts");
    for (const grant of this.#disk.journal.values()) {
      this.#goBack(grant);
      this.#cutOff(grant, "interrupted", "the agent restarted in the middle");
    }
    this.#beatLater(1);
  }

  /** The coordinator's word arrives, maybe late, twice or out of order. */
  receive(intent: Intent, fromBackup: boolean, isSinceBackup: boolean): void {
    if (!this.#isUp) return;
    const verdict = this.#history.subject.judgeIntent(this.#disk.memory, intent);
    if (verdict.kind !== "apply" && verdict.kind !== "already-applied") {
      this.#say(`refuses intent ${intent.fence}/${intent.generation}: ${verdict.kind}`);
      return;
    }
    this.#promises.obeyed(this.name, intent, fromBackup);
    if (isSinceBackup) this.#promises.obeyedSinceBackup(this.name);
    this.#disk.memory = { maxFence: intent.fence, generation: intent.generation, digest: intent.digest };
    if (verdict.kind === "already-applied") return;
    this.#say(`obeys intent ${intent.fence}/${intent.generation}`);
    this.#disk.body = intent.body;
    this.#reconcile();
  }

  #beatLater(ms: number): void {
    const life = this.#life;
    this.#history.time.after(ms, () => {
      if (!this.#isUp || this.#life !== life) return;
      this.#reconcile();
      this.#report();
      this.#beatLater(beatMs);
    });
  }

  #reconcile(): void {
    const { body } = this.#disk;
    if (body === undefined) return;
    this.#endGrantsNotHeld(body);
    this.#undoUnconfirmed(body);
    for (const grant of body.grants) this.#beginGrant(grant);
    this.#runProven(body);
    this.#promises.runs(this);
  }

  /** A grant that is gone was confirmed when its releases are the proven ones now, else withdrawn. */
  #endGrantsNotHeld(body: IntentBody): void {
    for (const [id, { grant, progress, since }] of this.#disk.outcomes) {
      if (body.grants.some((held) => held.id === id)) continue;
      const proven = (unit: string): string | undefined => body.units.find((one) => one.unit === unit)?.proven?.digest;
      const confirmed = grant.units.every(({ unit, digest }) => proven(unit) === digest);
      if (progress.kind === "provisional" && !confirmed) {
        this.#goBack(grant);
        this.#conclude(grant, { kind: "withdrawn" });
      } else if (confirmed || !this.#history.options.keepsOutcomes || this.#now - since > outcomeKeptMs) {
        this.#disk.outcomes.delete(id);
      }
    }
    for (const [id, grant] of this.#disk.journal) {
      if (body.grants.some((held) => held.id === id)) continue;
      this.#say(`stops working on ${id}`);
      this.#goBack(grant);
      this.#disk.journal.delete(id);
      this.#conclude(grant, { kind: "withdrawn" });
      this.#activation.stop();
    }
    for (const { unit, proven } of body.units) {
      if (proven === undefined) this.#disk.proven.delete(unit);
      else this.#disk.proven.set(unit, proven.digest);
    }
  }

  #undoUnconfirmed(body: IntentBody): void {
    for (const [id, { grant, progress }] of this.#disk.outcomes) {
      if (progress.kind !== "provisional") continue;
      const confirmBy = body.grants.find((held) => held.id === id)?.confirmBy ?? grant.confirmBy;
      const lateMs = this.#now - confirmBy;
      if (lateMs >= 0 && !this.#history.subject.agent.ignoresConfirmBy) {
        this.#goBack(grant);
        this.#conclude(grant, { kind: "unconfirmed" });
      } else this.#promises.onTrial(this.name, id, lateMs);
    }
  }

  /** What runs without a grant is what is proven; after an undone confirmation this brings the proven release back. */
  #runProven(body: IntentBody): void {
    const busy = heldUnits(this.#disk);
    for (const { unit, proven, desired } of body.units) {
      if (busy.has(unit)) continue;
      const wanted = this.#history.subject.agent.activatesDesired ? desired : proven?.digest;
      if (this.running.get(unit) !== wanted) {
        this.#say(`brings ${unit} to ${wanted}`);
        this.#run(unit, wanted);
      }
    }
  }

  #beginGrant(grant: Grant): void {
    if (this.#activation.isBusy || this.#disk.outcomes.has(grant.id) || this.#disk.journal.has(grant.id)) return;
    if (this.#now >= grant.confirmBy) {
      this.#conclude(grant, { kind: "unconfirmed" });
      return;
    }
    this.#say(`begins ${grant.id}`);
    this.#disk.journal.set(grant.id, grant);
    this.#activation.begin(grant);
    this.#promises.activates(this, grant.id, this.#isOver(grant.rollout));
  }

  #switch(grant: Grant): void {
    const units = this.#history.subject.agent.switchesHalf ? grant.units.slice(0, 1) : grant.units;
    for (const { unit, digest } of units) this.#run(unit, digest);
    this.#say(`switches for ${grant.id}`);
    this.#promises.runs(this);
  }

  #end(grant: Grant, outcome: ActivationOutcome): void {
    this.#disk.journal.delete(grant.id);
    if (outcome.kind === "live") {
      this.#conclude(grant, { kind: "provisional", switchedAt: this.#now, switchMs: 20 });
    } else {
      if (outcome.touchedTraffic) this.#goBack(grant);
      this.#conclude(grant, { ...outcome, kind: "failed" });
    }
    this.#report();
  }

  #goBack(grant: Grant): void {
    for (const { unit, digest } of grant.units) {
      const proven = this.#disk.proven.get(unit);
      if (this.running.get(unit) === digest && proven !== digest) this.#run(unit, proven);
    }
    this.#promises.runs(this);
  }

  #cutOff(grant: Grant, failure: "crashed" | "interrupted", reason: string): void {
    this.#disk.journal.delete(grant.id);
    this.#conclude(grant, { kind: "failed", failure, reason, touchedTraffic: true });
  }

  #conclude(grant: Grant, progress: GrantProgress): void {
    this.#say(`${grant.id} is ${progress.kind}`);
    this.#disk.outcomes.set(grant.id, { since: this.#now, progress, grant });
  }

  #report(): void {
    const batch: ProbeBatch = {
      host: this.name,
      epoch: this.#startedAt,
      seq: ++this.#seq,
      results: this.#prober.probe(this.running, this.#now),
    };
    const { name: host, running } = this;
    const observation = observeHost({ host, now: this.#now, startedAt: this.#startedAt, disk: this.#disk, running });
    this.#send({ observation, batch });
  }
}
