import { noFacts } from "@sluice/agent/activation/carry-out";
import { wordOnChange } from "@sluice/agent/activation/step-activation";
import { KeeperSilence } from "@sluice/agent/program/keeper-silence";
import { missingUnits } from "@sluice/agent/program/missing-units";
import { canBeSilent } from "@sluice/agent/program/step-program-change";
import { changesOf, unsettledChanges } from "@sluice/agent/reconcile/live-units";
import { recordChange } from "@sluice/agent/reconcile/settle-ledger";
import { acceptingProxies, agentUnit, durationMs, type ObservedHost, proxyUnit, sameJson } from "@sluice/core";
import { keeperUnit } from "@sluice/core/intent/intent";
import {
  isProgramChangeSettled,
  isTrial,
  noChangeFacts,
  type ProgramChange,
  type ProgramChangeAction,
  type ProgramChangeFacts,
  type ProgramChangePlan,
  unitOf,
} from "@sluice/core/programs/program-change";
import type { AgentLife, Lane } from "./agent-life.ts";
import { type KeeperOutcome, KeeperSilent, type SimKeeper } from "./sim-keeper.ts";
import type { SimWatchdog } from "./sim-watchdog.ts";

/** Between two looks at what a program on trial still lacks; twice as long as the real one's. */
const betweenLooksMs = 1000;

export interface ProgramPorts {
  /** Absent: the agent starts by itself. */
  readonly watchdog: SimWatchdog | undefined;
  /** Absent: the keeper can't be changed. */
  readonly keeper: SimKeeper | undefined;
  readonly isConnected: () => boolean;
  /** This process ends, so that the watchdog starts what its file names. */
  readonly onChangeOver: () => void;
}

/** A host of which nothing is known, since whoever knows its processes does not answer. */
const unseen: ObservedHost = { installed: [], slots: [], proxies: [] };

type Done = (facts: ProgramChangeFacts) => void;

/** Takes changes of the agent's own program and of its keeper forwards in one life of an agent: plan, save, carry out, tell who starts them, as the real one does. */
export class SimProgramChanges {
  readonly #life: AgentLife;
  readonly #ports: ProgramPorts;
  /** Why each does not advance. */
  readonly #waiting: Map<string, readonly string[]>;
  readonly #facts = new Map<string, ProgramChangeFacts>();
  readonly #silence: KeeperSilence;
  /** Grows with every plan. */
  plans = 0;

  constructor(life: AgentLife, ports: ProgramPorts, waiting: Map<string, readonly string[]>) {
    this.#life = life;
    this.#ports = ports;
    this.#waiting = waiting;
    this.#silence = new KeeperSilence({ monotonic: () => durationMs(life.ports.history.time.now) });
  }

  /** What there is to be done by a look at the host. */
  carryOn(host: ObservedHost): void {
    for (const change of unsettledChanges(this.#life.ports.disk.ledger)) this.#run(change);
    if (this.#life.isAlive) this.#tell(host);
  }

  /** When the host can't be looked at. */
  carryOnUnseen(): void {
    for (const change of unsettledChanges(this.#life.ports.disk.ledger)) if (canBeSilent(change)) this.#run(change);
  }

  #run({ grant: { id } }: ProgramChange): void {
    this.#life.run(id, (lane) => this.#step(id, lane));
  }

  #tell({ agent }: ObservedHost): void {
    const { disk, history } = this.#life.ports;
    const { watchdog, keeper, onChangeOver } = this.#ports;
    keeper?.tell(disk.ledger.proven[keeperUnit]);
    if (watchdog === undefined || agent === undefined) return;
    const { file } = watchdog;
    const changes = Object.values(disk.ledger.agentChanges ?? {});
    const plan = history.subject.planProgramFile({ file, changes, proven: disk.ledger.proven[agentUnit], agent });
    if (!sameJson(plan.file, file)) {
      watchdog.tell(plan.file);
      this.#life.ports.onSaved();
    }
    if (this.#life.isAlive && plan.changesOver) onChangeOver();
  }

  #step(id: string, lane: Lane): void {
    const state = changesOf(this.#life.ports.disk.ledger)[id];
    if (!this.#life.isAlive || state === undefined || isProgramChangeSettled(state)) {
      this.#life.rest(id);
      return;
    }
    const host = this.#lookFor(state);
    if (host === "wait" || (host[unitOf(state)] === undefined && !canBeSilent(state))) {
      this.#life.rest(id);
      return;
    }
    const facts = this.#facts.get(id) ?? noChangeFacts;
    const plan = this.#plan(state, host, facts);
    if (!this.#life.isAlive) return;
    if (plan.next.phase !== state.phase) {
      this.#facts.set(id, noChangeFacts);
      this.#life.rest(id, 1);
    } else if (plan.actions.length === 0) this.#life.rest(id);
    else
      this.#carryOut(id, lane, plan.actions, {
        host,
        facts,
        looksSoon: isTrial(state) || state.phase === "handing-back",
      });
  }

  /** `wait` while a keeper that does not answer may only be slow. */
  #lookFor(state: ProgramChange): ObservedHost | "wait" {
    try {
      const host = this.#life.look();
      this.#silence.over();
      return host;
    } catch (error) {
      if (!(error instanceof KeeperSilent) || !canBeSilent(state)) throw error;
      return this.#silence.goesOn() ? unseen : "wait";
    }
  }

  /** Saved before anything is carried out; told before it is saved that a program is proven. */
  #plan(state: ProgramChange, host: ObservedHost, facts: ProgramChangeFacts): ProgramChangePlan {
    const { history, disk, now, name } = this.#life.ports;
    const { ledger, intent } = disk;
    const isKeeper = unitOf(state) === keeperUnit;
    const plan = history.subject.planProgramChange({
      ...{ now: now(), state, word: wordOnChange(ledger, intent, state), host, running: host[unitOf(state)], facts },
      kept: isKeeper ? host.keeper?.kept : undefined,
      trialEnds: isKeeper ? {} : (host.agent?.trialEnds ?? {}),
      isConnected: this.#ports.isConnected(),
      duties: Object.values(ledger.duties).filter(({ site }) => acceptingProxies(host, proxyUnit(site)).length > 0),
      missing: missingUnits(ledger, host),
    });
    this.#waiting.set(state.grant.id, plan.waitingOn);
    this.plans++;
    if (sameJson(plan.next, state)) return plan;
    this.#life.demandRoom();
    if (plan.next.phase === "done") this.#tellProven(plan.next, host);
    if (!this.#life.isAlive) return plan;
    if (plan.next.phase !== state.phase) this.#noteTurn(name, state, plan.next);
    this.#life.save(recordChange(ledger, plan.next));
    return plan;
  }

  /** Whatever ends between this and the ledger must come back as what is proven. */
  #tellProven(change: ProgramChange, { agent }: ObservedHost): void {
    const { watchdog, keeper } = this.#ports;
    const { release } = change;
    if (unitOf(change) === keeperUnit) keeper?.tell(release);
    else if (watchdog === undefined || agent === undefined) return;
    else {
      const { planProgramFile } = this.#life.ports.history.subject;
      watchdog.tell(planProgramFile({ file: watchdog.file, changes: [], proven: release, agent }).file);
    }
    this.#life.ports.onSaved();
  }

  #noteTurn(name: string, from: ProgramChange, next: ProgramChange): void {
    const { trace } = this.#life.ports.history;
    const reason = "end" in next ? `: ${next.end.kind === "failed" ? next.end.reason : next.end.kind}` : "";
    trace.add(`${name}: ${next.grant.id} ${from.phase} -> ${next.phase}${reason}`);
    if (next.phase === "done") trace.count(`${next.release.unit} changed`);
    if (next.phase !== "ended") return;
    trace.count(`${next.release.unit} change ${next.end.kind === "failed" ? next.end.failure : next.end.kind}`);
  }

  #carryOut(
    id: string,
    lane: Lane,
    actions: readonly ProgramChangeAction[],
    by: { readonly host: ObservedHost; readonly facts: ProgramChangeFacts; readonly looksSoon: boolean },
  ): void {
    const [action] = actions;
    const done: Done = (facts) => {
      this.#facts.set(id, facts);
      this.#life.rest(id, by.looksSoon || facts.failures.length > by.facts.failures.length ? betweenLooksMs : 1);
    };
    if (action === undefined) this.#life.rest(id);
    else if (action.kind === "ask-version") this.#askVersion(id, action.release.digest, by.facts, done);
    else if (action.kind === "ensure-installed" || action.kind === "probe") {
      const { tally } = by.facts;
      const site = this.#life.site(by.host, lane, Number.POSITIVE_INFINITY);
      this.#life.give(site, { ...noFacts, tally }, [action], (known) =>
        done({ ...by.facts, tally: known.tally, failures: [...by.facts.failures, ...known.failures] }),
      );
    } else this.#orderKeeper(id, action, by.facts, done);
  }

  /** What a keeper does goes on when the agent that asked for it is gone. */
  #orderKeeper(
    id: string,
    action: Exclude<ProgramChangeAction, { kind: "ensure-installed" | "probe" | "ask-version" }>,
    facts: ProgramChangeFacts,
    done: Done,
  ): void {
    const { keeper } = this.#ports;
    const answered = (outcome: KeeperOutcome): void => {
      if (!this.#life.isAlive) return;
      this.#life.stepIn(id, () => done(outcome === undefined ? facts : withFailure(facts, outcome)));
    };
    switch (action.kind) {
      case "hand-over":
        keeper?.handOver(action.release.digest, action.grant, answered);
        break;
      case "hand-back":
        keeper?.handBack(answered);
        break;
      case "compare-kept":
        done(keeper === undefined ? facts : { ...facts, lost: keeper.lost() });
        break;
      case "put-down":
        keeper?.putDown();
        this.#silence.over();
        done(facts);
    }
  }

  /** The program is started once and says what it is. */
  #askVersion(id: string, digest: string, facts: ProgramChangeFacts, done: Done): void {
    const { time, prng, options, programs } = this.#life.ports.history;
    const behaviour = programs?.get(digest);
    time.after(prng.whole(50, 100 + options.orderMs), () => {
      if (!this.#life.isAlive) return;
      this.#life.stepIn(id, () => {
        if (behaviour === "cannot-start")
          done(withFailure(facts, { sentence: "exited with code 1", retryHelps: true }));
        else done({ ...facts, saidVersion: behaviour === "other-version" ? "another" : digest });
      });
    });
  }
}

const withFailure = (facts: ProgramChangeFacts, failure: NonNullable<KeeperOutcome>): ProgramChangeFacts => ({
  ...facts,
  failures: [...facts.failures, { action: "ensure-installed", ...failure }],
});
